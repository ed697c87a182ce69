import { Suspense, useState } from 'react';
import { Denied } from '../../denied.tsx';
import { lazySoon } from '../../lazy-soon.ts';
import { useCan } from '../../session.tsx';
import type { Key } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { PageHeader, Stack } from '../../ui/page.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { useOpenByAddress } from '../../use-open-by-address.ts';
import { KeyList } from './key-list.tsx';
import type { KeyAction } from './key-table.tsx';
import { Quota } from './quota.tsx';
import { Toolbar } from './toolbar.tsx';
import { STATUSES, useFilter } from './use-filter.ts';
import { UsingKeys } from './using-keys.tsx';

const CreateDialog = lazySoon(() => import('./create-dialog.tsx').then((m) => m.CreateDialog));
const DIALOGS = {
  revoke: lazySoon(() => import('./revoke-dialog.tsx').then((m) => m.RevokeDialog)),
  rotate: lazySoon(() => import('./rotate-dialog.tsx').then((m) => m.RotateDialog)),
  rename: lazySoon(() => import('./rename-dialog.tsx').then((m) => m.RenameDialog)),
};

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
      <Suspense>
        {creating && mayWrite && <CreateDialog onClose={() => setCreating(false)} />}
        {open && OpenDialog && <OpenDialog apiKey={open.key} onClose={() => setOpen(null)} />}
      </Suspense>
    </>
  );
}
