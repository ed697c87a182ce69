import { Check } from 'lucide-react';
import { Select as Radix } from 'radix-ui';
import { styleNonce } from '../trusted-types.ts';
import { SelectFace, type SelectProps, selectClass } from './select.tsx';

/** Open when it appears: it appears when somebody wants it open. */
export function OpenSelect<Value extends string>({
  value,
  onChange,
  options,
  disabled = false,
  ...control
}: SelectProps<Value>) {
  return (
    <Radix.Root
      defaultOpen
      value={value}
      onValueChange={(next) => onChange(next as Value)}
      disabled={disabled}
    >
      <Radix.Trigger {...control} className={selectClass}>
        <SelectFace label={<Radix.Value />} />
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          position="popper"
          sideOffset={4}
          className="z-60 max-h-(--radix-select-content-available-height) min-w-(--radix-select-trigger-width) max-w-[calc(100vw-1rem)] overflow-hidden rounded-lg bg-surface text-ink shadow-float animate-appear forced-colors:border"
        >
          <Radix.Viewport nonce={styleNonce} className="p-1">
            {options.map((option) => (
              <Radix.Item
                key={option.value}
                value={option.value}
                className="relative flex cursor-default flex-col rounded-md py-1.5 pr-8 pl-2.5 text-sm outline-none data-highlighted:bg-hover forced-colors:data-highlighted:outline"
              >
                <Radix.ItemText>{option.label}</Radix.ItemText>
                {option.hint && <span className="text-xs text-ink-muted">{option.hint}</span>}
                <Radix.ItemIndicator className="absolute top-2 right-2.5">
                  <Check aria-hidden className="size-4 text-accent-ink" />
                </Radix.ItemIndicator>
              </Radix.Item>
            ))}
          </Radix.Viewport>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
