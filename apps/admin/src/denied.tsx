import { ROLE_TEXT } from './permissions.ts';
import { useUser } from './session.tsx';
import type { Permission } from './trpc.ts';
import { Notice } from './ui/notice.tsx';

type DeniedProps = {
  permission: Permission;
  /** As in "you cannot see members". */
  what: string;
};

/** Why something is missing for this person, and who can change that. */
export function Denied({ permission, what }: DeniedProps) {
  const { role, organization } = useUser();
  const label = ROLE_TEXT[role].label.toLowerCase();
  return (
    <Notice title={`As ${role === 'admin' ? 'an' : 'a'} ${label}, you cannot ${what}`}>
      <p>
        That needs the permission <code className="font-mono">{permission}</code>. An admin of{' '}
        {organization.name} can change your role.
      </p>
    </Notice>
  );
}
