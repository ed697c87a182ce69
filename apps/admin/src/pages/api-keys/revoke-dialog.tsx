import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { fieldError } from '../../problem.ts';
import { queryClient } from '../../query-client.ts';
import { type Key, trpc } from '../../trpc.ts';
import { AlertDialog } from '../../ui/alert-dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { Time } from '../../ui/time.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';
import { KeyStart } from './key-start.tsx';

export function RevokeDialog({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const [reason, setReason] = useState('');
  const revoke = useMutation(
    trpc.keys.revoke.mutationOptions({
      onSuccess: (key) => {
        toast.success(`“${key.name}” is revoked.`);
        onClose();
      },
      // Also after an error: someone else may have revoked it.
      onSettled: () => void queryClient.invalidateQueries(trpc.keys.pathFilter()),
    }),
  );
  const problem = useProblem(revoke.error);
  return (
    <AlertDialog
      onClose={onClose}
      title={`Revoke “${apiKey.name}”?`}
      description="Every request with this key is refused from the moment you confirm, and whatever still uses it stops working. This cannot be undone."
      confirm="Revoke key"
      busy={revoke.isPending}
      problem={problem}
      onConfirm={() => revoke.mutate({ id: apiKey.id, ...(reason.trim() ? { reason } : {}) })}
    >
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
