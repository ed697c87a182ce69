import { useMutation, useQuery } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { Denied } from '../../denied.tsx';
import { Loaded } from '../../loaded.tsx';
import { every } from '../../poll.ts';
import { problemOf } from '../../problem.ts';
import { queryClient } from '../../query-client.ts';
import { useCan } from '../../session.tsx';
import { trpc, type Webhook } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Card, Facts } from '../../ui/card.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PageHeader, Stack, TextLink } from '../../ui/page.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { exactTime, Time } from '../../ui/time.tsx';
import { toast } from '../../ui/toast.tsx';
import { DeleteDialog } from './delete-dialog.tsx';
import { Deliveries } from './deliveries.tsx';
import { EVENT_TEXT } from './events.ts';
import { EditDialog } from './form-dialog.tsx';
import { RotateDialog } from './rotate-dialog.tsx';
import { WebhookBadge } from './status-badge.tsx';

const POLL_MS = 10_000;
const DIALOGS = { edit: EditDialog, rotate: RotateDialog, delete: DeleteDialog };

export function WebhookPage() {
  const { id = '' } = useParams();
  const mayWrite = useCan('organization:write');
  const list = useQuery(
    trpc.webhooks.list.queryOptions(undefined, { enabled: mayWrite, refetchInterval: every(POLL_MS) }),
  );
  if (!mayWrite) {
    return (
      <>
        <PageHeader title="Webhook" />
        <Denied permission="organization:write" what="see webhooks" />
      </>
    );
  }
  return (
    <>
      <p className="mb-3 text-[0.8125rem]">
        <TextLink asChild>
          <Link to="/settings/webhooks" className="inline-flex items-center gap-1">
            <ArrowLeft aria-hidden className="size-3.5" />
            Webhooks
          </Link>
        </TextLink>
      </p>
      <Loaded query={list} label="Loading the webhook">
        {({ data }) => {
          const webhook = data.find((each) => each.id === id);
          return webhook ? <Details webhook={webhook} /> : <NoSuchWebhook />;
        }}
      </Loaded>
    </>
  );
}

function NoSuchWebhook() {
  return (
    <>
      <PageHeader title="No such webhook" />
      <EmptyState icon={ArrowLeft} title="There is no webhook with this address">
        <p>It may have been deleted, or belong to another organization.</p>
      </EmptyState>
    </>
  );
}

function Details({ webhook }: { webhook: Webhook }) {
  const { id, url, description, events, status, secrets, createdAt, createdBy } = webhook;
  const [open, setOpen] = useState<keyof typeof DIALOGS | null>(null);
  const OpenDialog = open && DIALOGS[open];
  const again = () => void queryClient.invalidateQueries(trpc.webhooks.pathFilter());
  const onError = (error: unknown) => toast.error(problemOf(error).detail);
  const test = useMutation(
    trpc.webhooks.test.mutationOptions({
      onSuccess: () => toast.success('A test event is on its way: see below what comes of it.'),
      onError,
      onSettled: again,
    }),
  );
  const update = useMutation(
    trpc.webhooks.update.mutationOptions({
      onSuccess: (saved) =>
        toast.success(saved.status === 'active' ? 'The webhook is active.' : 'The webhook is disabled.'),
      onError,
      onSettled: again,
    }),
  );
  const old = secrets.find(({ expiresAt }) => expiresAt !== null);
  return (
    <>
      <PageHeader
        title={description || 'Webhook'}
        description={<code className="font-mono text-[0.8125rem] wrap-anywhere">{url}</code>}
        actions={
          <>
            <Button variant="primary" busy={test.isPending} onClick={() => test.mutate({ id })}>
              Send test event
            </Button>
            <Button onClick={() => setOpen('edit')}>Edit</Button>
            <Button
              busy={update.isPending}
              onClick={() => update.mutate({ id, status: status === 'active' ? 'disabled' : 'active' })}
            >
              {status === 'active' ? 'Disable' : 'Enable'}
            </Button>
          </>
        }
      />
      <Stack>
        <Problems webhook={webhook} />
        <Card
          title="Settings"
          actions={
            <div className="flex flex-wrap gap-2">
              <Button size="small" onClick={() => setOpen('rotate')}>
                Rotate secret
              </Button>
              <Button size="small" variant="danger-quiet" onClick={() => setOpen('delete')}>
                Delete
              </Button>
            </div>
          }
        >
          <Facts
            rows={[
              ['Status', <WebhookBadge key="status" webhook={webhook} />],
              [
                'Is told',
                events === null ? 'All events' : events.map((type) => EVENT_TEXT[type].label).join(', '),
              ],
              [
                'Signing secret',
                <span key="secret">
                  From <Time at={secrets[0]?.createdAt ?? createdAt} />
                  {old?.expiresAt && <>; the one before signs too, until {exactTime(old.expiresAt)}</>}
                </span>,
              ],
              [
                'Added',
                <span key="added">
                  <Time at={createdAt} /> by {createdBy.name}
                </span>,
              ],
            ]}
          />
        </Card>
        <Deliveries webhookId={id} />
      </Stack>
      {OpenDialog && <OpenDialog webhook={webhook} onClose={() => setOpen(null)} />}
    </>
  );
}

function Problems({ webhook: { status, disabledReason, failingSince } }: { webhook: Webhook }) {
  if (status === 'disabled') {
    return (
      <Notice tone={disabledReason ? 'danger' : 'info'} title="This webhook is disabled">
        <p>
          {disabledReason ?? 'An admin has disabled it.'} It is told nothing until it is enabled again; what
          is missed is not sent later.
        </p>
      </Notice>
    );
  }
  if (failingSince === null) return null;
  return (
    <Notice tone="warning" title="Nothing reaches this webhook">
      <p>
        Every attempt since {exactTime(failingSince)} has failed. Messages are tried again for three days;
        after five days the webhook is disabled.
      </p>
    </Notice>
  );
}
