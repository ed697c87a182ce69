import { Check, Copy } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Button } from './button.tsx';
import { copyText } from './clipboard.ts';
import { toast } from './toast.tsx';

type CopyButtonProps = {
  text: string;
  /** What is copied, for those who do not see where the button stands, e.g. "API key". */
  what?: string;
  primary?: boolean;
  autoFocus?: boolean;
  onCopied?: () => void;
};

const SHOWN_MS = 2_000;

export function CopyButton({ text, what, primary = false, autoFocus = false, onCopied }: CopyButtonProps) {
  const [copied, setCopied] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (autoFocus) button.current?.focus();
  }, [autoFocus]);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);

  const copy = async () => {
    if (await copyText(text, button.current)) {
      setCopied(true);
      onCopied?.();
    } else {
      toast.error('The browser did not allow copying. Select the text and copy it yourself.');
    }
  };

  const Icon = copied ? Check : Copy;
  return (
    <>
      <Button
        ref={button}
        variant={primary ? 'primary' : 'secondary'}
        size={primary ? 'medium' : 'small'}
        {...(what ? { 'aria-label': `${copied ? 'Copied' : 'Copy'} ${what}` } : {})}
        onClick={() => void copy()}
      >
        <Icon aria-hidden className="size-4" />
        {copied ? 'Copied' : 'Copy'}
      </Button>
      <span role="status" className="sr-only">
        {copied ? 'Copied to the clipboard' : ''}
      </span>
    </>
  );
}
