import { useMutation } from '@tanstack/react-query';
import { queryClient } from '../../query-client.ts';
import { type Member, trpc } from '../../trpc.ts';
import { AlertDialog } from '../../ui/alert-dialog.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';
import { useUndo } from './use-undo.ts';

const keysOf = ({ activeKeys }: Member) =>
  activeKeys === 1
    ? 'The 1 active API key of this account'
    : `The ${activeKeys} active API keys of this account`;

export function StatusDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const deactivating = member.status === 'active';
  const undo = useUndo();
  const update = useMutation(
    trpc.members.update.mutationOptions({
      onSuccess: (saved) => {
        toast.success(
          `${saved.name} is ${deactivating ? 'deactivated' : 'active again'}.`,
          undo({ id: saved.id, status: member.status }),
        );
        onClose();
      },
      onSettled: () => void queryClient.invalidateQueries(trpc.members.pathFilter()),
    }),
  );
  return (
    <AlertDialog
      onClose={onClose}
      title={`${deactivating ? 'Deactivate' : 'Reactivate'} ${member.name}?`}
      description={
        deactivating
          ? `${member.name} is signed out and cannot sign in. ${keysOf(member)} stop working at once. You can reactivate the account later.`
          : `${member.name} can sign in again. ${keysOf(member)} work again at once.`
      }
      confirm={deactivating ? 'Deactivate' : 'Reactivate'}
      danger={deactivating}
      busy={update.isPending}
      problem={useProblem(update.error)}
      onConfirm={() => update.mutate({ id: member.id, status: deactivating ? 'deactivated' : 'active' })}
    />
  );
}
