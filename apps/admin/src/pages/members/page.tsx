import { useState } from 'react';
import { Denied } from '../../denied.tsx';
import { useCan } from '../../session.tsx';
import type { Member } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { PageHeader } from '../../ui/page.tsx';
import { useOpenByAddress } from '../../use-open-by-address.ts';
import { InviteDialog } from './invite-dialog.tsx';
import { LimitsDialog } from './limits-dialog.tsx';
import { type MemberAction, MemberList } from './member-list.tsx';
import { RoleDialog } from './role-dialog.tsx';
import { StatusDialog } from './status-dialog.tsx';

const DIALOGS = { role: RoleDialog, limits: LimitsDialog, status: StatusDialog };

export function MembersPage() {
  const mayRead = useCan('members:read');
  const mayWrite = useCan('members:write');
  const [inviting, setInviting] = useOpenByAddress('invite');
  const [open, setOpen] = useState<{ action: MemberAction; member: Member } | null>(null);
  const OpenDialog = open && DIALOGS[open.action];

  return (
    <>
      <PageHeader
        title="Members"
        description="The people of your organization. A change of role or status holds at once, for their API keys too."
        actions={
          mayWrite && (
            <Button variant="primary" onClick={() => setInviting(true)}>
              Invite member
            </Button>
          )
        }
      />
      {mayRead ? (
        <MemberList mayWrite={mayWrite} onAction={(action, member) => setOpen({ action, member })} />
      ) : (
        <Denied permission="members:read" what="see the members" />
      )}
      {inviting && mayWrite && <InviteDialog onClose={() => setInviting(false)} />}
      {open && OpenDialog && <OpenDialog member={open.member} onClose={() => setOpen(null)} />}
    </>
  );
}
