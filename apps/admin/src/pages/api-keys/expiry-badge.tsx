import type { Key } from '../../trpc.ts';
import { Badge } from '../../ui/badge.tsx';
import { Time, useNow } from '../../ui/time.tsx';

const WEEK_MS = 7 * 24 * 3600_000;

/** How long an active key still works; louder once there is a week to go. */
export function ExpiryBadge({ of: { status, expiresAt } }: { of: Pick<Key, 'status' | 'expiresAt'> }) {
  const now = useNow();
  if (status !== 'active' || expiresAt === null) return null;
  const soon = Date.parse(expiresAt) - now < WEEK_MS;
  return (
    <Badge tone={soon ? 'warn' : 'quiet'}>
      <span>
        Expires <Time at={expiresAt} />
      </span>
    </Badge>
  );
}
