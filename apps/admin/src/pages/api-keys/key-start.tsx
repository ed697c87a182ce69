import { cn } from '../../ui/cn.ts';

/** The first characters of a token, which tell keys apart. */
export function KeyStart({ start, small = false }: { start: string; small?: boolean }) {
  return (
    <code className={cn('font-mono whitespace-nowrap', small ? 'text-xs' : 'text-[0.8125rem]')}>
      {start}…
    </code>
  );
}
