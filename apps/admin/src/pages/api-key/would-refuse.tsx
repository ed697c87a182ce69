import { useMutation, useQuery } from '@tanstack/react-query';
import { Loaded } from '../../loaded.tsx';
import { PERMISSION_TEXT } from '../../permissions.ts';
import { every } from '../../poll.ts';
import { problemOf } from '../../problem.ts';
import { type Key, trpc, type WouldRefuse } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { Time } from '../../ui/time.tsx';
import { toast } from '../../ui/toast.tsx';
import { putKeys } from '../api-keys/key-cache.ts';

const POLL_MS = 10_000;
const number = new Intl.NumberFormat('en');

type Row = { readonly what: string; readonly code: string; readonly count: number; readonly lastAt: string };

const scopeRows = ({ scopes }: WouldRefuse): readonly Row[] =>
  scopes.entries.map(({ permission, count, lastAt }) => ({
    what: PERMISSION_TEXT[permission],
    code: permission,
    count,
    lastAt,
  }));

const addressRows = ({ allowedIps: { entries, others } }: WouldRefuse): readonly Row[] => [
  ...entries.map(({ ip, count, lastAt }) => ({ what: 'Address', code: ip, count, lastAt })),
  ...(others ? [{ what: 'Other addresses', code: '', count: others.count, lastAt: others.lastAt }] : []),
];

/** What lists in report mode have let pass: what would break if they refused it. */
export function WouldRefuseCard({ apiKey, mayChange }: { apiKey: Key; mayChange: boolean }) {
  const reports = apiKey.scopesMode === 'report' || apiKey.allowedIpsMode === 'report';
  const report = useQuery(
    trpc.keys.wouldRefuse.queryOptions(
      { id: apiKey.id },
      { enabled: reports, refetchInterval: every(POLL_MS) },
    ),
  );
  const enforce = useMutation(
    trpc.keys.update.mutationOptions({
      onSuccess: (key) => {
        putKeys([key]);
        toast.success('The limits are enforced from now on.');
      },
      onError: (error) => toast.error(problemOf(error).detail),
    }),
  );
  if (!reports) return null;
  return (
    <Card
      title="What would be refused"
      description="These limits only report for now. Enforce them once nothing is listed that has to go on working."
      actions={
        mayChange && (
          <Button
            size="small"
            busy={enforce.isPending}
            onClick={() =>
              enforce.mutate({
                id: apiKey.id,
                ...(apiKey.scopesMode === 'report' ? { scopesMode: 'enforce' } : {}),
                ...(apiKey.allowedIpsMode === 'report' ? { allowedIpsMode: 'enforce' } : {}),
              })
            }
          >
            Enforce now
          </Button>
        )
      }
    >
      <Loaded query={report} label="Loading the report" rows={2}>
        {(data) => {
          const rows = [
            ...(data.scopes.mode === 'report' ? scopeRows(data) : []),
            ...(data.allowedIps.mode === 'report' ? addressRows(data) : []),
          ];
          if (rows.length === 0) {
            return (
              <p className="text-sm text-ink-muted">
                Nothing so far, since <Time at={sinceOf(data)} />.
              </p>
            );
          }
          return (
            <ul className="divide-y divide-line text-sm">
              {rows.map(({ what, code, count, lastAt }) => (
                <li
                  key={`${what} ${code}`}
                  className="flex flex-wrap justify-between gap-x-4 py-2 first:pt-0 last:pb-0"
                >
                  <span>
                    {what} {code && <code className="font-mono text-xs text-ink-muted">{code}</code>}
                  </span>
                  <span className="text-[0.8125rem] text-ink-muted tabular-nums">
                    {number.format(count)} {count === 1 ? 'request' : 'requests'}, last <Time at={lastAt} />
                  </span>
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Card>
  );
}

/** Since when all that reports has been reporting. */
const sinceOf = ({ scopes, allowedIps }: WouldRefuse): string =>
  [scopes, allowedIps]
    .filter(({ mode }) => mode === 'report')
    .map(({ since }) => since)
    .sort()
    .at(-1) ?? scopes.since;
