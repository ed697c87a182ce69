import { Tabs as Radix } from 'radix-ui';
import type { ReactNode } from 'react';

type TabsProps<Value extends string> = {
  label: string;
  tabs: readonly { readonly value: Value; readonly label: string }[];
  value: Value;
  onChange: (value: Value) => void;
  /** Stands at the end of the row of tabs. */
  aside?: ReactNode;
  /** The panel of the chosen tab. */
  children: ReactNode;
};

export function Tabs<Value extends string>({
  label,
  tabs,
  value,
  onChange,
  aside,
  children,
}: TabsProps<Value>) {
  return (
    <Radix.Root value={value} onValueChange={(next) => onChange(next as Value)} className="min-w-0">
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <Radix.List
          aria-label={label}
          className="flex max-w-full gap-0.5 overflow-x-auto rounded-lg bg-quiet-soft p-0.5"
        >
          {tabs.map((tab) => (
            <Radix.Trigger
              key={tab.value}
              value={tab.value}
              className="rounded-md px-3 py-1 text-[0.8125rem] font-medium text-ink-muted transition-colors hover:text-ink focus-visible:outline-offset-[-2px] data-[state=active]:bg-surface data-[state=active]:text-ink data-[state=active]:shadow-raised"
            >
              {tab.label}
            </Radix.Trigger>
          ))}
        </Radix.List>
        {aside}
      </div>
      {/* One panel whose content changes, so that what it shows stays until the next is there. */}
      <Radix.Content value={value} tabIndex={-1} className="min-w-0 outline-none">
        {children}
      </Radix.Content>
    </Radix.Root>
  );
}
