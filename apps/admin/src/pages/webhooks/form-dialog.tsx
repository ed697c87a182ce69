import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { fieldError } from '../../problem.ts';
import { queryClient } from '../../query-client.ts';
import { trpc, type Webhook } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Checkbox, RadioGroup } from '../../ui/choice.tsx';
import { Actions, Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { Input } from '../../ui/input.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';
import { EVENT_TEXT, EVENT_TYPES } from './events.ts';
import { IssuedSecret } from './issued-secret.tsx';

/** First the form, then the secret, once. Mounted only while open, so that nothing outlives it. */
export function CreateDialog({ onClose }: { onClose: () => void }) {
  const [secret, setSecret] = useState<string | null>(null);
  const create = useMutation(
    trpc.webhooks.create.mutationOptions({
      // The answer carries a secret: no cache may keep it.
      gcTime: 0,
      onSuccess: (issued) => {
        setSecret(issued.secret);
        create.reset();
        void queryClient.invalidateQueries(trpc.webhooks.pathFilter());
      },
    }),
  );
  return (
    <Dialog
      onClose={onClose}
      dismissable={!create.isPending && secret === null}
      title={secret === null ? 'Add a webhook' : 'The webhook is there'}
    >
      {secret === null ? (
        <WebhookForm webhook={null} mutation={create} submit={create.mutate} onCancel={onClose} />
      ) : (
        <IssuedSecret secret={secret} onDone={onClose} />
      )}
    </Dialog>
  );
}

export function EditDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const update = useMutation(
    trpc.webhooks.update.mutationOptions({
      onSuccess: () => {
        toast.success('The webhook is saved.');
        onClose();
      },
      onSettled: () => void queryClient.invalidateQueries(trpc.webhooks.pathFilter()),
    }),
  );
  return (
    <Dialog onClose={onClose} dismissable={!update.isPending} title="Edit the webhook">
      <WebhookForm
        webhook={webhook}
        mutation={update}
        submit={(fields) => update.mutate({ id: webhook.id, ...fields })}
        onCancel={onClose}
      />
    </Dialog>
  );
}

type WebhookFormProps = {
  /** `null`: a new one. */
  webhook: Webhook | null;
  mutation: { isPending: boolean; error: Parameters<typeof useProblem>[0] };
  submit: (fields: Pick<Webhook, 'url' | 'description' | 'events'>) => void;
  onCancel: () => void;
};

function WebhookForm({ webhook, mutation, submit, onCancel }: WebhookFormProps) {
  const [url, setUrl] = useState(webhook?.url ?? '');
  const [description, setDescription] = useState(webhook?.description ?? '');
  const [all, setAll] = useState((webhook?.events ?? null) === null);
  const [chosen, setChosen] = useState(webhook?.events ?? []);
  const busy = mutation.isPending;
  const problem = useProblem(mutation.error);
  const eventsError = fieldError(problem, 'events');
  return (
    <Form
      onSubmit={() => submit({ url, description, events: all ? null : chosen })}
      busy={busy}
      problem={problem}
    >
      <Field
        label="URL"
        hint="An https address of yours that can be reached from the internet."
        error={fieldError(problem, 'url')}
      >
        {(control) => (
          <Input
            {...control}
            mono
            autoFocus
            type="url"
            autoComplete="off"
            placeholder="https://example.com/webhooks"
            maxLength={2000}
            value={url}
            onChange={(event) => setUrl(event.target.value)}
          />
        )}
      </Field>
      <Field label="Description" optional error={fieldError(problem, 'description')}>
        {(control) => (
          <Input
            {...control}
            autoComplete="off"
            maxLength={200}
            value={description}
            onChange={(event) => setDescription(event.target.value)}
          />
        )}
      </Field>
      <RadioGroup<'all' | 'some'>
        label="What it is told"
        value={all ? 'all' : 'some'}
        onChange={(value) => setAll(value === 'all')}
        options={[
          { value: 'all', label: 'All events', hint: 'Those that are added later, too' },
          { value: 'some', label: 'Only what I choose' },
        ]}
      />
      {!all && (
        <fieldset className="flex flex-col gap-0.5">
          <legend className="sr-only">Events</legend>
          {EVENT_TYPES.map((type) => (
            <Checkbox
              key={type}
              {...EVENT_TEXT[type]}
              checked={chosen.includes(type)}
              onChange={(on) =>
                setChosen(EVENT_TYPES.filter((each) => (each === type ? on : chosen.includes(each))))
              }
            />
          ))}
          {eventsError && (
            <p role="alert" className="mt-1 text-[0.8125rem] text-danger-ink">
              {eventsError}
            </p>
          )}
        </fieldset>
      )}
      <Actions>
        <Button onClick={onCancel} disabled={busy}>
          Cancel
        </Button>
        <Button type="submit" variant="primary" busy={busy}>
          {webhook ? 'Save' : 'Add'}
        </Button>
      </Actions>
    </Form>
  );
}
