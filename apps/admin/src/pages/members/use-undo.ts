import { useMutation } from '@tanstack/react-query';
import { problemOf } from '../../problem.ts';
import { queryClient } from '../../query-client.ts';
import { type Inputs, trpc } from '../../trpc.ts';
import { type ToastAction, toast } from '../../ui/toast.tsx';

/** Puts back what a change of a member has replaced; works also once the dialog that made the change is gone. */
export const useUndo = (): ((before: Inputs['members']['update']) => ToastAction) => {
  const undo = useMutation(
    trpc.members.update.mutationOptions({
      onSuccess: ({ name }) => toast.success(`${name} is as before.`),
      onError: (error) => toast.error(problemOf(error).detail),
      onSettled: () => void queryClient.invalidateQueries(trpc.members.pathFilter()),
    }),
  );
  return (before) => ({ label: 'Undo', run: () => undo.mutate(before) });
};
