import { useQuery } from '@tanstack/react-query';
import { Loaded } from '../../loaded.tsx';
import { every } from '../../poll.ts';
import { trpc } from '../../trpc.ts';
import { Card } from '../../ui/card.tsx';
import { Meter } from '../../ui/meter.tsx';
import { formatCount } from './outcomes.ts';

const POLL_MS = 30_000;

/** How near accounts came to their rate limit: what is left before somebody is refused. */
export function Headroom() {
  const headroom = useQuery(trpc.usage.headroom.queryOptions(undefined, { refetchInterval: every(POLL_MS) }));
  return (
    <Loaded query={headroom} label="Loading the rate limits" rows={2}>
      {({ accounts }) => (
        <Card
          title="Rate-limit headroom"
          description="The busiest minute of the last 24 hours, against what an account may make over all its keys."
        >
          {accounts.length === 0 ? (
            <p className="text-sm text-ink-muted">No requests in the last 24 hours.</p>
          ) : (
            <ul className="flex flex-col gap-4">
              {accounts.slice(0, 10).map(({ accountId, name, limit, peak, refused }) => (
                <li key={accountId}>
                  <Meter
                    label={name}
                    value={peak}
                    max={limit}
                    text={`${formatCount(peak)} of ${formatCount(limit)} a minute${refused > 0 ? `, ${formatCount(refused)} refused` : ''}`}
                  />
                </li>
              ))}
            </ul>
          )}
        </Card>
      )}
    </Loaded>
  );
}
