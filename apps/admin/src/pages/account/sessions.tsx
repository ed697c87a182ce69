import { useMutation, useQuery } from '@tanstack/react-query';
import { Loaded } from '../../loaded.tsx';
import { problemOf } from '../../problem.ts';
import { queryClient } from '../../query-client.ts';
import { trpc } from '../../trpc.ts';
import { shortAgent } from '../../ui/agent.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { Time } from '../../ui/time.tsx';
import { toast } from '../../ui/toast.tsx';

const again = () => void queryClient.invalidateQueries(trpc.session.list.pathFilter());

/** Where the person is signed in, and a way out of each place. */
export function Sessions() {
  const sessions = useQuery(trpc.session.list.queryOptions());
  const end = useMutation(
    trpc.session.end.mutationOptions({
      onSuccess: () => toast.success('Signed out there.'),
      onError: (error) => toast.error(problemOf(error).detail),
      onSettled: again,
    }),
  );
  const endOthers = useMutation(
    trpc.session.endOthers.mutationOptions({
      onSuccess: ({ ended }) =>
        toast.success(`Signed out in ${ended} other ${ended === 1 ? 'place' : 'places'}.`),
      onError: (error) => toast.error(problemOf(error).detail),
      onSettled: again,
    }),
  );
  const others = sessions.data?.data.filter(({ current }) => !current).length ?? 0;
  return (
    <Card
      title="Sessions"
      description="Where you are signed in. Your API keys are not sessions: they go on working."
      actions={
        others > 0 && (
          <Button size="small" busy={endOthers.isPending} onClick={() => endOthers.mutate()}>
            Sign out everywhere else
          </Button>
        )
      }
    >
      <Loaded query={sessions} label="Loading your sessions" rows={2}>
        {({ data }) => (
          <ul className="divide-y divide-line text-sm">
            {data.map(({ id, userAgent, ip, createdAt, expiresAt, current }) => {
              const where = userAgent ? shortAgent(userAgent) : 'Unknown device';
              return (
                <li key={id} className="flex items-center justify-between gap-4 py-3 first:pt-0 last:pb-0">
                  <div className="min-w-0">
                    <p className="flex flex-wrap items-center gap-2 font-medium" title={userAgent ?? ''}>
                      {where}
                      {current && <Badge tone="good">This one</Badge>}
                    </p>
                    <p className="text-[0.8125rem] text-ink-muted">
                      {ip ? `${ip} · ` : ''}signed in <Time at={createdAt} />, ends <Time at={expiresAt} />
                    </p>
                  </div>
                  {!current && (
                    <Button
                      size="small"
                      aria-label={`Sign out ${where}`}
                      disabled={end.isPending}
                      onClick={() => end.mutate({ id })}
                    >
                      Sign out
                    </Button>
                  )}
                </li>
              );
            })}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}
