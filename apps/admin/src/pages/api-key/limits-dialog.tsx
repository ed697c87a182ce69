import { useMutation } from '@tanstack/react-query';
import { useUser } from '../../session.tsx';
import { type Key, trpc } from '../../trpc.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';
import { putKeys } from '../api-keys/key-cache.ts';
import { LimitsForm } from '../limits/limits-form.tsx';

export function LimitsDialog({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const { role } = useUser();
  const update = useMutation(
    trpc.keys.update.mutationOptions({
      onSuccess: (key) => {
        putKeys([key]);
        toast.success('The request limits of the key are saved.');
        onClose();
      },
    }),
  );
  return (
    <Dialog
      onClose={onClose}
      dismissable={!update.isPending}
      title={`Request limits of “${apiKey.name}”`}
      description={
        role === 'admin'
          ? 'They hold from the next request on. A key with limits makes no other keys.'
          : 'You can add limits and make them narrower. To raise one or take it away, ask an admin.'
      }
    >
      <LimitsForm
        limits={apiKey.limits}
        busy={update.isPending}
        problem={useProblem(update.error)}
        onSave={(limits) => update.mutate({ id: apiKey.id, limits })}
        onCancel={onClose}
      />
    </Dialog>
  );
}
