import { type LucideIcon, Search } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import { useEffect, useId, useRef, useState } from 'react';
import { cn } from './cn.ts';
import { overlayClass, panelClass } from './dialog.tsx';
import { useReturnFocus } from './opener.ts';

type Option = {
  readonly id: string;
  readonly group: string;
  readonly label: string;
  readonly hint?: string;
  readonly icon: LucideIcon;
};

type CommandDialogProps<One extends Option> = {
  title: string;
  placeholder: string;
  typed: string;
  onType: (text: string) => void;
  options: readonly One[];
  /** Said where there are none. */
  empty: string;
  onChoose: (option: One) => void;
  onClose: () => void;
};

/** A combobox in a dialog (ARIA APG, "list autocomplete"): the focus stays in the field, the arrows move the choice. */
export function CommandDialog<One extends Option>(props: CommandDialogProps<One>) {
  const { title, placeholder, typed, onType, options, empty, onChoose, onClose } = props;
  const id = useId();
  const returnFocus = useReturnFocus();
  const list = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const index = Math.min(active, options.length - 1);
  const optionId = (at: number) => `${id}-${at}`;
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  });

  const onKeyDown = (event: React.KeyboardEvent) => {
    const moves: Record<string, number> = {
      ArrowDown: (index + 1) % Math.max(options.length, 1),
      ArrowUp: (index - 1 + options.length) % Math.max(options.length, 1),
    };
    const next = moves[event.key];
    if (next !== undefined) {
      event.preventDefault();
      setActive(next);
    }
    const chosen = options[index];
    if (event.key === 'Enter' && chosen) {
      event.preventDefault();
      onChoose(chosen);
    }
  };

  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={overlayClass} />
        <Radix.Content
          aria-describedby={undefined}
          className={cn(panelClass, 'sm:max-w-xl')}
          onCloseAutoFocus={returnFocus}
        >
          <Radix.Title className="sr-only">{title}</Radix.Title>
          <div className="flex items-center gap-3 border-b border-line px-4">
            <Search aria-hidden className="size-4 shrink-0 text-ink-muted" />
            <input
              role="combobox"
              aria-label={placeholder}
              aria-expanded={options.length > 0}
              aria-controls={`${id}-list`}
              aria-autocomplete="list"
              aria-activedescendant={options.length > 0 ? optionId(index) : undefined}
              placeholder={placeholder}
              autoComplete="off"
              spellCheck={false}
              value={typed}
              onChange={(event) => {
                setActive(0);
                onType(event.target.value);
              }}
              onKeyDown={onKeyDown}
              className="h-13 w-full bg-transparent text-base outline-none placeholder:text-ink-muted sm:text-sm"
            />
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <div ref={list} tabIndex={0} className="max-h-[60dvh] overflow-y-auto p-1.5 sm:max-h-96">
            <div role="listbox" id={`${id}-list`} aria-label={title}>
              {options.map((option, at) => {
                const Icon = option.icon;
                const isFirst = options[at - 1]?.group !== option.group;
                return (
                  <div key={option.id}>
                    {isFirst && (
                      <p
                        role="presentation"
                        className="px-2.5 pt-2.5 pb-1 text-xs font-medium text-ink-muted"
                      >
                        {option.group}
                      </p>
                    )}
                    {/* biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field */}
                    {/* biome-ignore lint/a11y/useKeyWithClickEvents: its keys are the field's */}
                    <div
                      role="option"
                      id={optionId(at)}
                      aria-selected={at === index}
                      onPointerMove={() => setActive(at)}
                      onClick={() => onChoose(option)}
                      className={cn(
                        'flex cursor-default items-center gap-3 rounded-lg px-2.5 py-2 text-sm',
                        at === index && 'bg-hover forced-colors:outline',
                      )}
                    >
                      <Icon aria-hidden className="size-4 shrink-0 text-ink-muted" />
                      <span className="min-w-0 flex-1 truncate">{option.label}</span>
                      {option.hint && (
                        <span className="shrink-0 font-mono text-xs text-ink-muted">{option.hint}</span>
                      )}
                    </div>
                  </div>
                );
              })}
            </div>
            {options.length === 0 && (
              <p role="status" className="px-3 py-8 text-center text-sm text-ink-muted">
                {empty}
              </p>
            )}
          </div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
