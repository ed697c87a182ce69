import type { NamedLimit } from '../../trpc.ts';
import { limitText } from './limit-draft.ts';

export function LimitList({ limits }: { limits: readonly NamedLimit[] }) {
  return (
    <ul>
      {limits.map((limit) => (
        <li key={limit.name}>
          {limitText(limit)} <code className="font-mono text-xs text-ink-muted">{limit.name}</code>
        </li>
      ))}
    </ul>
  );
}
