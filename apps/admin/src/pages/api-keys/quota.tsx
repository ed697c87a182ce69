import { useQuery } from '@tanstack/react-query';
import { every } from '../../poll.ts';
import { useUser } from '../../session.tsx';
import { trpc } from '../../trpc.ts';

/** How many of the active keys that the plan allows are taken. */
export function Quota() {
  const user = useUser();
  const organization = useQuery(trpc.organization.get.queryOptions(undefined, { staleTime: 60_000 }));
  const limit = organization.data?.limits.activeKeys ?? null;
  const active = useQuery(
    trpc.keys.list.queryOptions(
      { status: 'active', accountId: user.id, limit: 50 },
      { enabled: limit !== null, refetchInterval: every(10_000) },
    ),
  );
  if (user.organization.plan === 'enterprise') return null;
  const used = active.data?.data.length;
  return (
    <p className="mt-4 min-h-5 text-[0.8125rem] text-ink-muted">
      {limit !== null && used !== undefined && (
        <>
          You use {used} of the {limit} active keys that your plan allows.
          {used >= limit && ' Revoke one that you no longer need before you create another.'}
        </>
      )}
    </p>
  );
}
