import { useState } from 'react';
import type { Key } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Actions } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { type Snippet, snippets } from './snippets.ts';

/** A key that may not read projects gets an example that it may run. */
const exampleUrl = (key: Key) => {
  const mayReadProjects = key.scopes === null || key.scopes.includes('projects:read');
  return `${window.location.origin}/api/${mayReadProjects ? 'projects' : 'user'}`;
};

type IssuedTokenProps = { issued: { key: Key; token: string }; onDone: () => void };

/** The one time that a token is shown. It lives in the state of the dialog around this, and goes with it. */
export function IssuedToken({ issued, onDone }: IssuedTokenProps) {
  const [language, setLanguage] = useState<Snippet['value']>('curl');
  const examples = snippets(exampleUrl(issued.key), issued.token);
  const example = examples.find(({ value }) => value === language);
  return (
    <div className="flex min-w-0 flex-col gap-5">
      <Notice tone="warning" role="status" title="Copy this key now. It's only shown once.">
        <p>
          We keep no copy that could be shown again. Put it into a secrets manager or an environment variable.
        </p>
      </Notice>
      <Field label="Your API key">
        {(control) => (
          <div className="flex flex-col gap-2 sm:flex-row">
            <Input
              {...control}
              mono
              readOnly
              spellCheck={false}
              autoComplete="off"
              value={issued.token}
              onFocus={(event) => event.target.select()}
            />
            <CopyButton primary autoFocus text={issued.token} />
          </div>
        )}
      </Field>
      <div className="min-w-0">
        <h3 className="mb-3 text-[0.8125rem] font-medium">Try it</h3>
        <Tabs label="Language" tabs={examples} value={language} onChange={setLanguage}>
          {example && <CodeBlock code={example.code} what={example.label} />}
        </Tabs>
      </div>
      <Actions>
        <Button variant="primary" onClick={onDone}>
          Done, I have stored it
        </Button>
      </Actions>
    </div>
  );
}
