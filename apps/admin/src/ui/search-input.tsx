import { Search } from 'lucide-react';
import { type ComponentProps, useEffect, useState } from 'react';
import { Input } from './input.tsx';

type SearchInputProps = {
  label: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
  /** Changes what is typed before anybody sees it. */
  clean?: (text: string) => string;
  ref?: ComponentProps<'input'>['ref'];
};

const QUIET_MS = 250;

/** Tells what is searched once the typing pauses. */
export function SearchInput({ label, placeholder, value, onChange, clean, ref }: SearchInputProps) {
  const [text, setText] = useState(value);
  const [told, setTold] = useState(value);
  // Changed from elsewhere, by the back button perhaps.
  if (value !== told) {
    setTold(value);
    setText(value);
  }
  useEffect(() => {
    if (text.trim() === told) return;
    const timer = setTimeout(() => {
      setTold(text.trim());
      onChange(text.trim());
    }, QUIET_MS);
    return () => clearTimeout(timer);
  }, [text, told, onChange]);
  return (
    <div className="relative">
      <Search
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-ink-muted"
      />
      <Input
        ref={ref}
        type="search"
        aria-label={label}
        placeholder={placeholder}
        maxLength={100}
        autoComplete="off"
        spellCheck={false}
        hasIcon
        value={text}
        onChange={(event) => setText(clean ? clean(event.target.value) : event.target.value)}
      />
    </div>
  );
}
