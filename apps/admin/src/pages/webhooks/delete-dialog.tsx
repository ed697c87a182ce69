import { useMutation } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { queryClient } from '../../query-client.ts';
import { trpc, type Webhook } from '../../trpc.ts';
import { AlertDialog } from '../../ui/alert-dialog.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';

export function DeleteDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const navigate = useNavigate();
  const remove = useMutation(
    trpc.webhooks.delete.mutationOptions({
      onSuccess: () => {
        toast.success('The webhook is deleted.');
        void navigate('/settings/webhooks');
      },
      onSettled: () => void queryClient.invalidateQueries(trpc.webhooks.list.pathFilter()),
    }),
  );
  return (
    <AlertDialog
      onClose={onClose}
      title="Delete this webhook?"
      description={`${webhook.url} is told nothing more, not even what is on its way to it. Its log of deliveries goes with it. This cannot be undone.`}
      confirm="Delete webhook"
      busy={remove.isPending}
      problem={useProblem(remove.error)}
      onConfirm={() => remove.mutate({ id: webhook.id })}
    />
  );
}
