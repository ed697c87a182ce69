import type { Key } from '../../trpc.ts';
import { shortAgent } from '../../ui/agent.ts';
import { Time } from '../../ui/time.tsx';

type LastUsedProps = { of: Pick<Key, 'lastUsedAt' | 'lastUsedIp' | 'lastUsedUserAgent'> };

/** When a key was last used, from where, and by what. */
export function LastUsed({ of: { lastUsedAt, lastUsedIp, lastUsedUserAgent } }: LastUsedProps) {
  const by = lastUsedUserAgent && shortAgent(lastUsedUserAgent);
  return (
    <>
      <Time at={lastUsedAt} />
      {(lastUsedIp || by) && (
        <span
          className="block truncate text-xs text-ink-muted"
          title={[lastUsedIp, lastUsedUserAgent].filter(Boolean).join(' · ')}
        >
          {[by, lastUsedIp].filter(Boolean).join(' · ')}
        </span>
      )}
    </>
  );
}
