import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { fieldError } from '../../problem.ts';
import { useUser } from '../../session.tsx';
import { type Key, type Permission, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { RadioGroup } from '../../ui/choice.tsx';
import { Actions, Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { Select } from '../../ui/select.tsx';
import { exactTime } from '../../ui/time.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';
import { addressError, entries } from '../api-keys/addresses.ts';
import { EXPIRIES, type Expiry, expiresAt, today } from '../api-keys/expiry.ts';
import { putKeys } from '../api-keys/key-cache.ts';
import { MODES, type Mode } from '../api-keys/mode.ts';
import { ScopePicker } from '../api-keys/scope-picker.tsx';
import type { ScopeProposal } from './scope-proposal.ts';

type Reach = 'everything' | 'chosen';
type Until = 'keep' | Expiry;

type RestrictDialogProps = {
  apiKey: Key;
  onClose: () => void;
  /** What it begins with, instead of what the key has. */
  proposal?: ScopeProposal | undefined;
};

/** Changes what a key may do, from where, and for how long. It holds from the next request on. */
export function RestrictDialog({ apiKey, onClose, proposal }: RestrictDialogProps) {
  const { permissions } = useUser();
  const held = proposal?.scopes ?? apiKey.scopes;
  const [reach, setReach] = useState<Reach>(held ? 'chosen' : 'everything');
  const [scopes, setScopes] = useState<readonly Permission[]>(held ?? []);
  const [ips, setIps] = useState(apiKey.allowedIps?.join('\n') ?? '');
  const [scopesMode, setScopesMode] = useState<Mode>(
    proposal?.scopesMode ?? (apiKey.scopes ? apiKey.scopesMode : 'enforce'),
  );
  const [ipsMode, setIpsMode] = useState<Mode>(apiKey.allowedIps ? apiKey.allowedIpsMode : 'enforce');
  const [until, setUntil] = useState<Until>('keep');
  const [date, setDate] = useState('');
  const [missing, setMissing] = useState<{ date?: string; scopes?: string }>({});
  const update = useMutation(
    trpc.keys.update.mutationOptions({
      onSuccess: (key) => {
        putKeys([key]);
        toast.success('The limits of the key are changed.');
        onClose();
      },
    }),
  );
  const problem = useProblem(update.error);
  const submit = () => {
    const at = until === 'keep' ? undefined : (expiresAt(until, date, Date.now()) ?? null);
    const lacking = {
      ...(until === 'custom' && !at ? { date: 'Choose a date.' } : {}),
      ...(reach === 'chosen' && scopes.length === 0 ? { scopes: 'Choose at least one permission.' } : {}),
    };
    setMissing(lacking);
    if (Object.keys(lacking).length > 0) return;
    const allowedIps = entries(ips);
    update.mutate({
      id: apiKey.id,
      ...(reach === 'chosen' ? { scopes: [...scopes], scopesMode } : { scopes: null }),
      ...(allowedIps.length > 0 ? { allowedIps, allowedIpsMode: ipsMode } : { allowedIps: null }),
      ...(at === undefined ? {} : { expiresAt: at }),
    });
  };
  const now = apiKey.expiresAt ? `As it is: ${exactTime(apiKey.expiresAt)}` : 'As it is: never';
  return (
    <Dialog
      onClose={onClose}
      title={`Limits of “${apiKey.name}”`}
      description="Holds from the next request on, on every server."
    >
      <Form onSubmit={submit} busy={update.isPending} problem={problem}>
        <RadioGroup<Reach>
          label="Permissions"
          value={reach}
          onChange={setReach}
          options={[
            { value: 'everything', label: 'All that its owner may do' },
            { value: 'chosen', label: 'Only what I choose' },
          ]}
        />
        {reach === 'chosen' && (
          <ScopePicker
            available={permissions}
            chosen={scopes}
            onChange={setScopes}
            error={missing.scopes ?? fieldError(problem, 'scopes')}
          />
        )}
        {reach === 'chosen' && (
          <Field label="Requests beyond these permissions" error={fieldError(problem, 'scopesMode')}>
            {(control) => (
              <Select<Mode> {...control} value={scopesMode} onChange={setScopesMode} options={MODES} />
            )}
          </Field>
        )}
        <Field
          label="Allowed IP addresses"
          optional
          error={addressError(problem, entries(ips))}
          hint="Addresses or CIDR ranges, one per line. Leave it empty to allow any."
        >
          {(control) => (
            <Textarea {...control} mono value={ips} onChange={(event) => setIps(event.target.value)} />
          )}
        </Field>
        {entries(ips).length > 0 && (
          <Field label="Requests from other addresses" error={fieldError(problem, 'allowedIpsMode')}>
            {(control) => <Select<Mode> {...control} value={ipsMode} onChange={setIpsMode} options={MODES} />}
          </Field>
        )}
        <Field label="Expires" error={fieldError(problem, 'expiresAt')}>
          {(control) => (
            <Select<Until>
              {...control}
              value={until}
              onChange={setUntil}
              options={[{ value: 'keep', label: now }, ...EXPIRIES]}
            />
          )}
        </Field>
        {until === 'custom' && (
          <Field label="Last day" error={missing.date} hint="The key stops working at the end of that day.">
            {(control) => (
              <Input
                {...control}
                type="date"
                min={today(Date.now())}
                value={date}
                onChange={(event) => setDate(event.target.value)}
              />
            )}
          </Field>
        )}
        <Actions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" busy={update.isPending}>
            Save
          </Button>
        </Actions>
      </Form>
    </Dialog>
  );
}
