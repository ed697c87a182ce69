import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { ROLE_OPTIONS, ROLE_TEXT } from '../../permissions.ts';
import { queryClient } from '../../query-client.ts';
import { useUser } from '../../session.tsx';
import { type Member, type Role, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { RadioGroup } from '../../ui/choice.tsx';
import { Actions, Dialog } from '../../ui/dialog.tsx';
import { Form } from '../../ui/form.tsx';
import { Notice } from '../../ui/notice.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';
import { useUndo } from './use-undo.ts';

export function RoleDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const user = useUser();
  const [role, setRole] = useState<Role>(member.role);
  const undo = useUndo();
  const update = useMutation(
    trpc.members.update.mutationOptions({
      onSuccess: (saved) => {
        const text = `${saved.name} is now ${ROLE_TEXT[saved.role].label.toLowerCase()}.`;
        // What one has given away oneself, one cannot take back.
        toast.success(text, saved.id === user.id ? null : undo({ id: saved.id, role: member.role }));
        onClose();
        // One's own role changes what this app may show.
        if (saved.id === user.id) void queryClient.invalidateQueries();
      },
      onSettled: () => void queryClient.invalidateQueries(trpc.members.pathFilter()),
    }),
  );
  return (
    <Dialog
      onClose={onClose}
      title={`Role of ${member.name}`}
      description="Holds from the next request on, for everything that the person and their API keys do."
    >
      <Form
        onSubmit={() => update.mutate({ id: member.id, role })}
        busy={update.isPending}
        problem={useProblem(update.error)}
      >
        <RadioGroup<Role> label="Role" value={role} onChange={setRole} options={ROLE_OPTIONS} />
        {member.id === user.id && role !== member.role && (
          <Notice tone="warning">
            <p>This is your own account: you will not be able to change it back yourself.</p>
          </Notice>
        )}
        <Actions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" busy={update.isPending} disabled={role === member.role}>
            Change role
          </Button>
        </Actions>
      </Form>
    </Dialog>
  );
}
