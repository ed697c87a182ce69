import { useQuery } from '@tanstack/react-query';
import { every } from '../../poll.ts';
import { type GhostUse, trpc } from '../../trpc.ts';
import { shortAgent } from '../../ui/agent.ts';
import { Card } from '../../ui/card.tsx';
import { Time } from '../../ui/time.tsx';
import { KeyStart } from '../api-keys/key-start.tsx';

const POLL_MS = 10_000;
const number = new Intl.NumberFormat('en');

const REASON: Readonly<Record<GhostUse['sources'][number]['reason'], string>> = {
  revoked: 'the key is revoked',
  expired: 'the key has expired',
  rotatedOut: 'an old secret',
  ownerInactive: 'its owner is deactivated',
};

/** Who still tries with what no longer works: somebody forgot to update it, or should not have it at all. */
export function GhostUseCard({ keyId }: { keyId: string }) {
  const ghosts = useQuery(
    trpc.keys.ghostUse.queryOptions({ id: keyId }, { refetchInterval: every(POLL_MS) }),
  );
  if (!ghosts.data || ghosts.data.total === 0) return null;
  const { total, sources, others, keptDays } = ghosts.data;
  return (
    <Card
      title="Still tried, and refused"
      description={`${number.format(total)} ${total === 1 ? 'attempt' : 'attempts'} with a token of this key that no longer works. Forgotten ${keptDays} days after the last one.`}
    >
      <ul className="divide-y divide-line text-sm">
        {sources.map(({ address, userAgent, reason, start, count, lastAt }) => (
          <li
            key={`${address} ${reason} ${start}`}
            className="flex flex-wrap justify-between gap-x-4 py-2 first:pt-0 last:pb-0"
          >
            <span>
              {[userAgent && shortAgent(userAgent), address].filter(Boolean).join(' · ') || 'Unknown'}{' '}
              <span className="text-[0.8125rem] text-ink-muted">
                {REASON[reason]} {start && <KeyStart start={start} small />}
              </span>
            </span>
            <span className="text-[0.8125rem] text-ink-muted tabular-nums">
              {number.format(count)} {count === 1 ? 'attempt' : 'attempts'}, last <Time at={lastAt} />
            </span>
          </li>
        ))}
        {others > 0 && (
          <li className="py-2 text-ink-muted">{number.format(others)} more from other addresses</li>
        )}
      </ul>
    </Card>
  );
}
