import { useMutation } from '@tanstack/react-query';
import { queryClient } from '../../query-client.ts';
import { type Project, trpc } from '../../trpc.ts';
import { AlertDialog } from '../../ui/alert-dialog.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';

export function DeleteDialog({ project, onClose }: { project: Project; onClose: () => void }) {
  const remove = useMutation(
    trpc.projects.delete.mutationOptions({
      onSuccess: () => {
        toast.success(`“${project.name}” is deleted.`);
        onClose();
      },
      onSettled: () => void queryClient.invalidateQueries(trpc.projects.pathFilter()),
    }),
  );
  return (
    <AlertDialog
      onClose={onClose}
      title={`Delete “${project.name}”?`}
      description="The project is gone for everyone in your organization. This cannot be undone."
      confirm="Delete project"
      busy={remove.isPending}
      problem={useProblem(remove.error)}
      onConfirm={() => remove.mutate({ id: project.id })}
    />
  );
}
