import { useMutation } from '@tanstack/react-query';
import { queryClient } from '../../query-client.ts';
import { type Member, trpc } from '../../trpc.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';
import { LimitsForm } from '../limits/limits-form.tsx';

export function LimitsDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const update = useMutation(
    trpc.members.setLimits.mutationOptions({
      onSuccess: ({ name }) => {
        toast.success(`The request limits of ${name} are saved.`);
        onClose();
      },
      onSettled: () => void queryClient.invalidateQueries(trpc.members.pathFilter()),
    }),
  );
  return (
    <Dialog
      onClose={onClose}
      dismissable={!update.isPending}
      title={`Request limits of ${member.name}`}
      description="For all API keys of the account together, from the next request on. Using the app does not count."
    >
      <LimitsForm
        limits={member.limits}
        busy={update.isPending}
        problem={useProblem(update.error)}
        onSave={(limits) => update.mutate({ id: member.id, limits })}
        onCancel={onClose}
      />
    </Dialog>
  );
}
