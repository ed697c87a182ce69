import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { fieldError } from '../../problem.ts';
import { useCan } from '../../session.tsx';
import { type Key, trpc } from '../../trpc.ts';
import { shortAgent } from '../../ui/agent.ts';
import { AlertDialog } from '../../ui/alert-dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Time, useNow } from '../../ui/time.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';
import { putKeys } from './key-cache.ts';
import { KeyStart } from './key-start.tsx';
import { isInUse, USED_DAYS } from './use-of-key.ts';

const number = new Intl.NumberFormat('en');

/** How often the key was used lately; `null` while nobody knows. */
const useRequests = (keyId: string): number | null => {
  const mayRead = useCan('usage:read');
  const { data } = useQuery(
    trpc.usage.sparklines.queryOptions({ keyIds: [keyId], days: USED_DAYS }, { enabled: mayRead }),
  );
  if (!data) return null;
  return data.data[0]?.requests.reduce((sum, count) => sum + count, 0) ?? 0;
};

export function RevokeDialog({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const [mistyped, setMistyped] = useState(false);
  const requests = useRequests(apiKey.id);
  const inUse = isInUse(apiKey, useNow());
  const revoke = useMutation(
    trpc.keys.revoke.mutationOptions({
      onSuccess: (key) => {
        putKeys([key]);
        toast.success(`“${key.name}” is revoked.`);
        onClose();
      },
    }),
  );
  const problem = useProblem(revoke.error);
  const confirm = () => {
    const wrong = inUse && typed.trim() !== apiKey.name;
    setMistyped(wrong);
    if (!wrong) revoke.mutate({ id: apiKey.id, ...(reason.trim() ? { reason } : {}) });
  };
  const caller = apiKey.lastUsedUserAgent && shortAgent(apiKey.lastUsedUserAgent);

  return (
    <AlertDialog
      onClose={onClose}
      title={`Revoke “${apiKey.name}”?`}
      description="Every request with this key is refused from the moment you confirm, and whatever still uses it stops working. This cannot be undone."
      confirm="Revoke key"
      busy={revoke.isPending}
      problem={problem}
      onConfirm={confirm}
    >
      {inUse ? (
        <Notice tone="warning" title="This key is in use">
          <p>
            {caller ? `${caller} used it` : 'It was used'} <Time at={apiKey.lastUsedAt} />
            {apiKey.lastUsedIp && ` from ${apiKey.lastUsedIp}`}
            {requests !== null &&
              requests > 0 &&
              `, one of ${number.format(requests)} ${requests === 1 ? 'request' : 'requests'} in ${USED_DAYS} days`}
            . That will stop working.
          </p>
        </Notice>
      ) : (
        <Notice title={apiKey.lastUsedAt ? 'This key is not in use' : 'This key was never used'}>
          <p>
            {apiKey.lastUsedAt ? (
              <>
                It was last used <Time at={apiKey.lastUsedAt} />: nothing is likely to break.
              </>
            ) : (
              'Nothing will break.'
            )}
          </p>
        </Notice>
      )}
      <dl className="grid grid-cols-[6rem_1fr] gap-y-1 rounded-lg bg-sunken px-3.5 py-3 text-[0.8125rem]">
        <dt className="text-ink-muted">Key</dt>
        <dd>
          <KeyStart start={apiKey.start} />
        </dd>
        <dt className="text-ink-muted">Owner</dt>
        <dd>{apiKey.createdBy.name}</dd>
        <dt className="text-ink-muted">Last used</dt>
        <dd>
          <Time at={apiKey.lastUsedAt} />
          {apiKey.lastUsedIp && ` from ${apiKey.lastUsedIp}`}
        </dd>
      </dl>
      {inUse && (
        <Field
          label={`Type “${apiKey.name}” to confirm`}
          error={mistyped ? `Type the name of the key: ${apiKey.name}` : undefined}
        >
          {(control) => (
            <Input
              {...control}
              autoComplete="off"
              spellCheck={false}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          )}
        </Field>
      )}
      <Field label="Reason" optional error={fieldError(problem, 'reason')} hint="Kept in the audit log.">
        {(control) => (
          <Input
            {...control}
            maxLength={200}
            autoComplete="off"
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        )}
      </Field>
    </AlertDialog>
  );
}
