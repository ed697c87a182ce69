import type { WebhookDelivery } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Facts } from '../../ui/card.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Actions, Dialog } from '../../ui/dialog.tsx';
import { exactTime } from '../../ui/time.tsx';
import { eventLabel } from './events.ts';

const pretty = (payload: string): string => JSON.stringify(JSON.parse(payload), null, 2);

/** Every attempt of a delivery, and what was sent. */
export function DeliveryDialog({ delivery, onClose }: { delivery: WebhookDelivery; onClose: () => void }) {
  const { messageId, type, attempts, nextAttemptAt, payload } = delivery;
  return (
    <Dialog onClose={onClose} size="large" closeOnOutsideClick title={eventLabel(type)}>
      <div className="flex min-w-0 flex-col gap-5">
        <Facts
          rows={[
            [
              'Message id',
              <code key="id" className="font-mono text-[0.8125rem]">
                {messageId}
              </code>,
            ],
            ...attempts.map(
              ({ at, status, error, tookMs }) =>
                [
                  exactTime(at),
                  status === null ? (error ?? 'No answer') : `Answered with ${status} after ${tookMs} ms`,
                ] as const,
            ),
            ...(nextAttemptAt ? [['Next attempt', exactTime(nextAttemptAt)] as const] : []),
          ]}
        />
        {payload !== null && <CodeBlock code={pretty(payload)} what="Body" />}
        <Actions>
          <Button onClick={onClose}>Close</Button>
        </Actions>
      </div>
    </Dialog>
  );
}
