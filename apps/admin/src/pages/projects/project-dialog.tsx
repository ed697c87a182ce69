import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { fieldError } from '../../problem.ts';
import { queryClient } from '../../query-client.ts';
import { type Project, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Actions, Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';

type ProjectDialogProps = {
  /** `null`: a new one. */
  project: Project | null;
  onClose: () => void;
};

export function ProjectDialog({ project, onClose }: ProjectDialogProps) {
  const [name, setName] = useState(project?.name ?? '');
  const [description, setDescription] = useState(project?.description ?? '');
  const onSuccess = (saved: Project) => {
    void queryClient.invalidateQueries(trpc.projects.pathFilter());
    toast.success(`“${saved.name}” is ${project ? 'saved' : 'created'}.`);
    onClose();
  };
  const create = useMutation(trpc.projects.create.mutationOptions({ onSuccess }));
  const update = useMutation(trpc.projects.update.mutationOptions({ onSuccess }));
  const busy = create.isPending || update.isPending;
  const problem = useProblem(create.error ?? update.error);
  const submit = () =>
    project ? update.mutate({ id: project.id, name, description }) : create.mutate({ name, description });

  return (
    <Dialog onClose={onClose} dismissable={!busy} title={project ? `Edit “${project.name}”` : 'New project'}>
      <Form onSubmit={submit} busy={busy} problem={problem}>
        <Field label="Name" error={fieldError(problem, 'name')}>
          {(control) => (
            <Input
              {...control}
              autoFocus
              required
              maxLength={100}
              autoComplete="off"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label="Description" optional error={fieldError(problem, 'description')}>
          {(control) => (
            <Textarea
              {...control}
              rows={4}
              maxLength={2000}
              value={description}
              onChange={(event) => setDescription(event.target.value)}
            />
          )}
        </Field>
        <Actions>
          <Button onClick={onClose} disabled={busy}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" busy={busy}>
            {project ? 'Save' : 'Create'}
          </Button>
        </Actions>
      </Form>
    </Dialog>
  );
}
