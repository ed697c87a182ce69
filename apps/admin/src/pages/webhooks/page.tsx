import { useQuery } from '@tanstack/react-query';
import { Webhook as WebhookIcon } from 'lucide-react';
import { Link } from 'react-router';
import { Denied } from '../../denied.tsx';
import { Loaded } from '../../loaded.tsx';
import { useCan } from '../../session.tsx';
import { trpc, type Webhook } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { PageHeader, TextLink } from '../../ui/page.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';
import { useOpenByAddress } from '../../use-open-by-address.ts';
import { eventsText } from './events.ts';
import { CreateDialog } from './form-dialog.tsx';
import { WebhookBadge } from './status-badge.tsx';

const COLUMNS: readonly Column<Webhook>[] = [
  {
    header: 'Webhook',
    isRowHeader: true,
    cell: ({ id, url, description }) => (
      <>
        <TextLink asChild>
          <Link to={`/settings/webhooks/${encodeURIComponent(id)}`}>{description || url}</Link>
        </TextLink>
        {description && <span className="block text-xs font-normal text-ink-muted">{url}</span>}
      </>
    ),
  },
  { header: 'Is told', cell: ({ events }) => eventsText(events) },
  { header: 'Status', cell: (webhook) => <WebhookBadge webhook={webhook} /> },
  { header: 'Added', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function WebhooksPage() {
  const mayWrite = useCan('organization:write');
  const [creating, setCreating] = useOpenByAddress('create');
  const list = useQuery(trpc.webhooks.list.queryOptions(undefined, { enabled: mayWrite }));
  const add = (
    <Button variant="primary" onClick={() => setCreating(true)}>
      Add webhook
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Webhooks"
        description="Addresses of yours that are told what happens to API keys, as it happens, in signed messages."
        actions={mayWrite && add}
      />
      {mayWrite ? (
        <Loaded query={list} label="Loading webhooks">
          {({ data }) =>
            data.length === 0 ? (
              <EmptyState icon={WebhookIcon} title="No webhooks yet">
                <p>
                  Add one to learn at once when a key is created, rotated, revoked, leaked or about to expire.
                </p>
              </EmptyState>
            ) : (
              <Table
                caption="Webhooks"
                columns={COLUMNS}
                rows={data}
                rowKey={({ id }) => id}
                dimmed={({ status }) => status === 'disabled'}
              />
            )
          }
        </Loaded>
      ) : (
        <Denied permission="organization:write" what="see webhooks" />
      )}
      {creating && mayWrite && <CreateDialog onClose={() => setCreating(false)} />}
    </>
  );
}
