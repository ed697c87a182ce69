import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { type Key, trpc } from '../../trpc.ts';
import { shortAgent } from '../../ui/agent.ts';
import { AlertDialog } from '../../ui/alert-dialog.tsx';
import { Button } from '../../ui/button.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Time } from '../../ui/time.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';
import { putKeys } from '../api-keys/key-cache.ts';
import type { Secret } from '../api-keys/rotation.ts';

type Step = 'end' | 'cancel';
type StepProps = { apiKey: Key; old: Secret; onClose: () => void };

/** What can be done about a rotation under way: neither can be undone, so that both ask. */
export function RotationActions({ apiKey, old }: Omit<StepProps, 'onClose'>) {
  const [open, setOpen] = useState<Step | null>(null);
  const close = () => setOpen(null);
  return (
    <>
      <span className="flex flex-wrap gap-2">
        {apiKey.secrets[0]?.unused && (
          <Button size="small" onClick={() => setOpen('cancel')}>
            Take back
          </Button>
        )}
        <Button size="small" variant="danger-quiet" onClick={() => setOpen('end')}>
          End now
        </Button>
      </span>
      {open === 'end' && <EndRotation apiKey={apiKey} old={old} onClose={close} />}
      {open === 'cancel' && <CancelRotation apiKey={apiKey} old={old} onClose={close} />}
    </>
  );
}

function EndRotation({ apiKey, old, onClose }: StepProps) {
  const end = useMutation(
    trpc.keys.endRotation.mutationOptions({
      onSuccess: (key) => {
        putKeys([key]);
        toast.success(`The old secret of “${key.name}” has stopped working.`);
        onClose();
      },
    }),
  );
  const caller = old.lastUsedUserAgent && shortAgent(old.lastUsedUserAgent);
  return (
    <AlertDialog
      onClose={onClose}
      title="Stop the old secret now?"
      description="Every request with it is refused from the moment you confirm. This cannot be undone; the new secret goes on working."
      confirm="Stop old secret"
      busy={end.isPending}
      problem={useProblem(end.error)}
      onConfirm={() => end.mutate({ id: apiKey.id })}
    >
      <Notice
        tone={old.lastUsedAt ? 'warning' : 'info'}
        title={old.lastUsedAt ? 'Who used it last stops working' : 'The old secret was never used'}
      >
        <p>
          {old.lastUsedAt ? (
            <>
              {caller ? `${caller} used it` : 'It was used'} <Time at={old.lastUsedAt} />
              {old.lastUsedIp && ` from ${old.lastUsedIp}`}.
            </>
          ) : (
            'Nothing is known that would break.'
          )}
          {apiKey.secrets[0]?.unused && ' Nobody has used the new secret yet.'}
        </p>
      </Notice>
    </AlertDialog>
  );
}

function CancelRotation({ apiKey, onClose }: StepProps) {
  const cancel = useMutation(
    trpc.keys.cancelRotation.mutationOptions({
      onSuccess: (key) => {
        putKeys([key]);
        toast.success(`The rotation of “${key.name}” is taken back.`);
        onClose();
      },
    }),
  );
  return (
    <AlertDialog
      onClose={onClose}
      title="Take the rotation back?"
      description="The new secret, which nobody has used, stops working for good. The old one goes on as before."
      confirm="Take back"
      busy={cancel.isPending}
      problem={useProblem(cancel.error)}
      onConfirm={() => cancel.mutate({ id: apiKey.id })}
    />
  );
}
