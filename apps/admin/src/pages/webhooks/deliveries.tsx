import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { Send } from 'lucide-react';
import { useState } from 'react';
import { Loaded, LoadMore } from '../../loaded.tsx';
import { every } from '../../poll.ts';
import { problemOf } from '../../problem.ts';
import { queryClient } from '../../query-client.ts';
import { trpc, type WebhookDelivery } from '../../trpc.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Section } from '../../ui/card.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';
import { toast } from '../../ui/toast.tsx';
import { DeliveryDialog } from './delivery-dialog.tsx';
import { eventLabel } from './events.ts';

const POLL_MS = 3_000;

const LOOK = {
  pending: { label: 'On its way', tone: 'accent' },
  delivered: { label: 'Delivered', tone: 'good' },
  failed: { label: 'Failed', tone: 'danger' },
} as const;

export function DeliveryBadge({ delivery: { status, attempts } }: { delivery: WebhookDelivery }) {
  const isRetrying = status === 'pending' && attempts.length > 0;
  return (
    <Badge tone={isRetrying ? 'warn' : LOOK[status].tone} dot>
      {isRetrying ? 'Trying again' : LOOK[status].label}
    </Badge>
  );
}

/** What came back from the last attempt. */
const lastAnswer = ({ attempts }: WebhookDelivery): string => {
  const last = attempts.at(-1);
  if (!last) return 'None yet';
  return last.status === null ? (last.error ?? 'No answer') : `${last.status}, after ${last.tookMs} ms`;
};

const COLUMNS: readonly Column<WebhookDelivery>[] = [
  {
    header: 'Event',
    isRowHeader: true,
    cell: ({ id, type }) => <span id={`event-${id}`}>{eventLabel(type)}</span>,
  },
  { header: 'Status', cell: (delivery) => <DeliveryBadge delivery={delivery} /> },
  { header: 'Last answer', cell: lastAnswer },
  { header: 'Attempts', align: 'end', cell: ({ attempts }) => attempts.length },
  { header: 'Since', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

/** What was sent to a webhook, and what came of it. */
export function Deliveries({ webhookId }: { webhookId: string }) {
  const [shown, setShown] = useState<string | null>(null);
  const list = useInfiniteQuery(
    trpc.webhooks.deliveries.infiniteQueryOptions(
      { id: webhookId, limit: 20 },
      { getNextPageParam: (page) => page.nextCursor, refetchInterval: every(POLL_MS) },
    ),
  );
  const resend = useMutation(
    trpc.webhooks.resend.mutationOptions({
      onSuccess: () => toast.success('The message is on its way again.'),
      onError: (error) => toast.error(problemOf(error).detail),
      onSettled: () => void queryClient.invalidateQueries(trpc.webhooks.deliveries.pathFilter()),
    }),
  );
  const actions = (delivery: WebhookDelivery) => (
    <>
      <Button size="small" aria-describedby={`event-${delivery.id}`} onClick={() => setShown(delivery.id)}>
        Details
      </Button>
      <Button
        size="small"
        aria-describedby={`event-${delivery.id}`}
        disabled={resend.isPending}
        onClick={() => resend.mutate({ id: webhookId, deliveryId: delivery.id })}
      >
        Resend
      </Button>
    </>
  );
  return (
    <Section title="Deliveries" description="What was sent in the last 30 days, newest first.">
      <Loaded query={list} label="Loading the deliveries" rows={3}>
        {({ pages }) => {
          const deliveries = pages.flatMap((page) => page.data);
          const delivery = deliveries.find(({ id }) => id === shown);
          if (deliveries.length === 0) {
            return (
              <EmptyState icon={Send} title="Nothing was sent yet">
                <p>What happens to your API keys appears here, and so does a test event.</p>
              </EmptyState>
            );
          }
          return (
            <>
              <Table
                caption="Deliveries"
                columns={COLUMNS}
                rows={deliveries}
                rowKey={({ id }) => id}
                actions={actions}
              />
              <LoadMore list={list} />
              {delivery && <DeliveryDialog delivery={delivery} onClose={() => setShown(null)} />}
            </>
          );
        }}
      </Loaded>
    </Section>
  );
}
