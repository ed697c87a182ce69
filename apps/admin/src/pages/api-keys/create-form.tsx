import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { fieldError } from '../../problem.ts';
import { useUser } from '../../session.tsx';
import { type Inputs, type Key, type Permission, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { MoreOptions, RadioGroup } from '../../ui/choice.tsx';
import { Actions } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { Select } from '../../ui/select.tsx';
import { useProblem } from '../../use-problem.ts';
import { addressError, entries } from './addresses.ts';
import { EXPIRIES, type Expiry, expiresAt, today } from './expiry.ts';
import { findNewKeys } from './key-cache.ts';
import { MODES, type Mode } from './mode.ts';
import { NewQuotaFields, useNewQuota } from './new-quota.tsx';
import { ScopePicker } from './scope-picker.tsx';

type Reach = 'everything' | 'chosen';

type CreateFormProps = {
  onBusy: (busy: boolean) => void;
  onIssued: (issued: { key: Key; token: string }) => void;
  onCancel: () => void;
};

export function CreateForm({ onBusy, onIssued, onCancel }: CreateFormProps) {
  const { permissions } = useUser();
  const [name, setName] = useState('');
  const [expiry, setExpiry] = useState<Expiry>('never');
  const [date, setDate] = useState('');
  const [reach, setReach] = useState<Reach>('everything');
  const [scopes, setScopes] = useState<readonly Permission[]>([]);
  const [allowedIps, setAllowedIps] = useState('');
  const [scopesMode, setScopesMode] = useState<Mode>('enforce');
  const [ipsMode, setIpsMode] = useState<Mode>('enforce');
  const quota = useNewQuota();
  const [missing, setMissing] = useState<{ date?: string; scopes?: string }>({});

  const create = useMutation(
    trpc.keys.create.mutationOptions({
      // The answer carries the token: no cache may keep it.
      gcTime: 0,
      onMutate: () => onBusy(true),
      onSettled: () => onBusy(false),
      onSuccess: (issued) => {
        onIssued(issued);
        create.reset();
        void findNewKeys();
      },
    }),
  );
  const problem = useProblem(create.error);

  const submit = () => {
    const at = expiresAt(expiry, date, Date.now());
    const lacking = {
      ...(expiry === 'custom' && !at ? { date: 'Choose a date.' } : {}),
      ...(reach === 'chosen' && scopes.length === 0 ? { scopes: 'Choose at least one permission.' } : {}),
    };
    setMissing(lacking);
    const limited = quota.read();
    if (Object.keys(lacking).length > 0 || !limited) return;
    const ips = entries(allowedIps);
    const input: Inputs['keys']['create'] = {
      name,
      ...(at ? { expiresAt: at } : {}),
      ...(reach === 'chosen' ? { scopes: [...scopes], scopesMode } : {}),
      ...(ips.length > 0 ? { allowedIps: ips, allowedIpsMode: ipsMode } : {}),
      ...limited,
    };
    create.mutate(input);
  };

  return (
    <Form onSubmit={submit} busy={create.isPending} problem={problem}>
      <Field
        label="Name"
        error={fieldError(problem, 'name')}
        hint={
          <>
            Say what it is for (“Slack Integration”), where it runs (“Dev Testing Key”), and whose it is if it
            is shared (“John’s Dashboard Key”).
          </>
        }
      >
        {(control) => (
          <Input
            {...control}
            autoFocus
            required
            maxLength={100}
            autoComplete="off"
            placeholder="Zapier Integration"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <MoreOptions>
        <Field label="Expires" error={fieldError(problem, 'expiresAt')}>
          {(control) => <Select {...control} value={expiry} onChange={setExpiry} options={EXPIRIES} />}
        </Field>
        {expiry === 'custom' && (
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
        <RadioGroup<Reach>
          label="Permissions"
          value={reach}
          onChange={setReach}
          options={[
            {
              value: 'everything',
              label: 'All that I may do',
              hint: 'Follows your role, also when it changes.',
            },
            { value: 'chosen', label: 'Only what I choose', hint: 'Best for an integration with one job.' },
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
          error={addressError(problem, entries(allowedIps))}
          hint="Addresses or CIDR ranges, one per line. Leave it empty to allow any."
        >
          {(control) => (
            <Textarea
              {...control}
              mono
              placeholder={'203.0.113.7\n2001:db8::/32'}
              value={allowedIps}
              onChange={(event) => setAllowedIps(event.target.value)}
            />
          )}
        </Field>
        {entries(allowedIps).length > 0 && (
          <Field label="Requests from other addresses" error={fieldError(problem, 'allowedIpsMode')}>
            {(control) => <Select<Mode> {...control} value={ipsMode} onChange={setIpsMode} options={MODES} />}
          </Field>
        )}
      </MoreOptions>
      <NewQuotaFields quota={quota} problem={problem} />
      <Actions>
        <Button onClick={onCancel} disabled={create.isPending}>
          Cancel
        </Button>
        <Button type="submit" variant="primary" busy={create.isPending}>
          Create
        </Button>
      </Actions>
    </Form>
  );
}
