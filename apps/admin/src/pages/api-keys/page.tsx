import { useState } from 'react';
import { Denied } from '../../denied.tsx';
import { useCan } from '../../session.tsx';
import type { Key } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { PageHeader, Stack } from '../../ui/page.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { CreateDialog } from './create-dialog.tsx';
import { DetailsDialog } from './details-dialog.tsx';
import { KeyList } from './key-list.tsx';
import type { KeyAction } from './key-table.tsx';
import { OwnerFilter } from './owner-filter.tsx';
import { Quota } from './quota.tsx';
import { RenameDialog } from './rename-dialog.tsx';
import { RevokeDialog } from './revoke-dialog.tsx';
import { RotateDialog } from './rotate-dialog.tsx';
import { STATUSES, useFilter } from './use-filter.ts';
import { UsingKeys } from './using-keys.tsx';

const DIALOGS = { revoke: RevokeDialog, rotate: RotateDialog, rename: RenameDialog, details: DetailsDialog };

export function ApiKeysPage() {
  const mayWrite = useCan('keys:write');
  const seesEveryone = useCan('members:read');
  const filter = useFilter();
  const [creating, setCreating] = useState(false);
  const [open, setOpen] = useState<{ action: KeyAction; key: Key } | null>(null);
  const OpenDialog = open && DIALOGS[open.action];

  return (
    <>
      <PageHeader
        title="API Keys"
        description="Keys let scripts, services and integrations call the API. A key does what its owner may do, in this organization only."
        actions={
          mayWrite && (
            <Button variant="primary" onClick={() => setCreating(true)}>
              + Create API Key
            </Button>
          )
        }
      />
      <Stack>
        {!mayWrite && <Denied permission="keys:write" what="create or revoke API keys" />}
        <Tabs
          label="Status"
          tabs={STATUSES}
          value={filter.status}
          onChange={filter.setStatus}
          aside={seesEveryone && <OwnerFilter owner={filter.owner} onChange={filter.setOwner} />}
        >
          <KeyList
            filter={filter.input}
            filtered={filter.status !== 'all' || filter.owner !== 'all'}
            onAction={(action, key) => setOpen({ action, key })}
          />
          {mayWrite && <Quota />}
        </Tabs>
        <UsingKeys />
      </Stack>
      {creating && <CreateDialog onClose={() => setCreating(false)} />}
      {open && OpenDialog && <OpenDialog apiKey={open.key} onClose={() => setOpen(null)} />}
    </>
  );
}
