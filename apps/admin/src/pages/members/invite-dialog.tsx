import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { ROLE_OPTIONS } from '../../permissions.ts';
import { fieldError } from '../../problem.ts';
import { queryClient } from '../../query-client.ts';
import { type Member, type Role, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { RadioGroup } from '../../ui/choice.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Actions, Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { Input } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { useProblem } from '../../use-problem.ts';

type Invited = { member: Member; initialPassword: string };

/** First the form, then the initial password, once. Mounted only while open, so that nothing outlives it. */
export function InviteDialog({ onClose }: { onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const [invited, setInvited] = useState<Invited | null>(null);
  return (
    <Dialog
      onClose={onClose}
      dismissable={!busy && !invited}
      title={invited ? `${invited.member.name} is invited` : 'Invite a member'}
    >
      {invited ? (
        <InitialPassword invited={invited} onDone={onClose} />
      ) : (
        <InviteForm onBusy={setBusy} onInvited={setInvited} onCancel={onClose} />
      )}
    </Dialog>
  );
}

type InviteFormProps = {
  onBusy: (busy: boolean) => void;
  onInvited: (invited: Invited) => void;
  onCancel: () => void;
};

function InviteForm({ onBusy, onInvited, onCancel }: InviteFormProps) {
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('member');
  const invite = useMutation(
    trpc.members.invite.mutationOptions({
      // The answer carries a password: no cache may keep it.
      gcTime: 0,
      onMutate: () => onBusy(true),
      onSettled: () => onBusy(false),
      onSuccess: (answer) => {
        onInvited(answer);
        invite.reset();
        void queryClient.invalidateQueries(trpc.members.pathFilter());
      },
    }),
  );
  const problem = useProblem(invite.error);
  return (
    <Form onSubmit={() => invite.mutate({ name, email, role })} busy={invite.isPending} problem={problem}>
      <Field label="Name" error={fieldError(problem, 'name')}>
        {(control) => (
          <Input
            {...control}
            autoFocus
            maxLength={100}
            autoComplete="off"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Field label="E-mail" error={fieldError(problem, 'email')}>
        {(control) => (
          <Input
            {...control}
            type="email"
            autoComplete="off"
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        )}
      </Field>
      <RadioGroup<Role> label="Role" value={role} onChange={setRole} options={ROLE_OPTIONS} />
      <Actions>
        <Button onClick={onCancel} disabled={invite.isPending}>
          Cancel
        </Button>
        <Button type="submit" variant="primary" busy={invite.isPending}>
          Invite
        </Button>
      </Actions>
    </Form>
  );
}

function InitialPassword({ invited, onDone }: { invited: Invited; onDone: () => void }) {
  return (
    <div className="flex flex-col gap-5">
      <Notice tone="warning" role="status" title="Copy this password now. It's only shown once.">
        <p>Hand it over in private, and ask {invited.member.name} to change it under Settings, Account.</p>
      </Notice>
      <Field label={`Initial password of ${invited.member.email}`}>
        {(control) => (
          <div className="flex flex-col gap-2 sm:flex-row">
            <Input
              {...control}
              mono
              readOnly
              autoComplete="off"
              value={invited.initialPassword}
              onFocus={(event) => event.target.select()}
            />
            <CopyButton primary autoFocus text={invited.initialPassword} />
          </div>
        )}
      </Field>
      <Actions>
        <Button variant="primary" onClick={onDone}>
          Done
        </Button>
      </Actions>
    </div>
  );
}
