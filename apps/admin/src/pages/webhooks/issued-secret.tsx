import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Actions } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';

/** The one time that a signing secret is shown. It lives in the state of the dialog around this, and goes with it. */
export function IssuedSecret({ secret, onDone }: { secret: string; onDone: () => void }) {
  return (
    <div className="flex flex-col gap-5">
      <Notice tone="warning" role="status" title="Copy this secret now. It's only shown once.">
        <p>
          Your receiver verifies with it that a message is from us: give it to a library of Standard Webhooks
          together with the headers and the body.
        </p>
      </Notice>
      <Field label="Signing secret">
        {(control) => (
          <div className="flex flex-col gap-2 sm:flex-row">
            <Input
              {...control}
              mono
              readOnly
              spellCheck={false}
              autoComplete="off"
              value={secret}
              onFocus={(event) => event.target.select()}
            />
            <CopyButton primary autoFocus text={secret} />
          </div>
        )}
      </Field>
      <Actions>
        <Button variant="primary" onClick={onDone}>
          Done, I have stored it
        </Button>
      </Actions>
    </div>
  );
}
