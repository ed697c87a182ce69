import { useState } from 'react';
import { Denied } from '../../denied.tsx';
import { useCan } from '../../session.tsx';
import type { Key } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { PageHeader, Stack } from '../../ui/page.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { useOpenByAddress } from '../../use-open-by-address.ts';
import { CreateDialog } from './create-dialog.tsx';
import { KeyList } from './key-list.tsx';
import type { KeyAction } from './key-table.tsx';
import { Quota } from './quota.tsx';
import { RenameDialog } from './rename-dialog.tsx';
import { RevokeDialog } from './revoke-dialog.tsx';
import { RotateDialog } from './rotate-dialog.tsx';
import { Toolbar } from './toolbar.tsx';
import { STATUSES, useFilter } from './use-filter.ts';
import { UsingKeys } from './using-keys.tsx';

const DIALOGS = { revoke: RevokeDialog, rotate: RotateDialog, rename: RenameDialog };

export function ApiKeysPage() {
  const mayWrite = useCan('keys:write');
  const filter = useFilter();
  const [creating, setCreating] = useOpenByAddress('create');
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
          aside={<Toolbar filter={filter} />}
        >
          <KeyList
            filter={filter}
            onAction={(action, key) => setOpen({ action, key })}
            onCreate={() => setCreating(true)}
            below={
              <>
                {mayWrite && <Quota />}
                <div className="mt-6">
                  <UsingKeys />
                </div>
              </>
            }
          />
        </Tabs>
      </Stack>
      {creating && mayWrite && <CreateDialog onClose={() => setCreating(false)} />}
      {open && OpenDialog && <OpenDialog apiKey={open.key} onClose={() => setOpen(null)} />}
    </>
  );
}
