import type { Key } from '../../trpc.ts';
import { Facts } from '../../ui/card.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { exactTime, Time } from '../../ui/time.tsx';
import { KeyStart } from './key-start.tsx';
import { StatusBadge } from './status-badge.tsx';

const codes = (texts: readonly string[]) => (
  <ul className="font-mono text-[0.8125rem]">
    {texts.map((text) => (
      <li key={text}>{text}</li>
    ))}
  </ul>
);

export function DetailsDialog({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  return (
    <Dialog onClose={onClose} closeOnOutsideClick title={apiKey.name}>
      <Facts
        rows={[
          ['Status', <StatusBadge key="status" status={apiKey.status} />],
          ['Owner', `${apiKey.createdBy.name} (${apiKey.createdBy.email})`],
          ['Permissions', apiKey.scopes ? codes(apiKey.scopes) : 'All that its owner has'],
          ['Allowed addresses', apiKey.allowedIps ? codes(apiKey.allowedIps) : 'Any'],
          ['Created', exactTime(apiKey.createdAt)],
          ['Expires', apiKey.expiresAt ? exactTime(apiKey.expiresAt) : 'Never'],
          ['Last used', <Time key="used" at={apiKey.lastUsedAt} />],
          ['Last used from', apiKey.lastUsedIp ?? '–'],
          ['Last used by', apiKey.lastUsedUserAgent ?? '–'],
          ...(apiKey.revokedAt
            ? ([
                ['Revoked', exactTime(apiKey.revokedAt)],
                ['Reason', apiKey.revokedReason ?? '–'],
              ] as const)
            : []),
          [
            'Secrets',
            <ul key="secrets" className="flex flex-col gap-2">
              {apiKey.secrets.map((secret) => (
                <li key={secret.id}>
                  <KeyStart start={secret.start} />
                  <span className="block text-[0.8125rem] text-ink-muted">
                    Made {exactTime(secret.createdAt)}
                    {secret.expiresAt && `, works until ${exactTime(secret.expiresAt)}`}, last used{' '}
                    <Time at={secret.lastUsedAt} never="never" />
                  </span>
                </li>
              ))}
            </ul>,
          ],
          [
            'Key id',
            <code key="id" className="font-mono text-[0.8125rem]">
              {apiKey.id}
            </code>,
          ],
        ]}
      />
    </Dialog>
  );
}
