import { Download } from 'lucide-react';
import { useState } from 'react';
import type { Key } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Actions } from '../../ui/dialog.tsx';
import { downloadText } from '../../ui/download.ts';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { type Example, envFile, envFileName, type Snippet, snippets } from './snippets.ts';

const exampleFor = ({ scopes }: Key): Example =>
  scopes === null || scopes.includes('projects:read') ? 'projects' : 'user';

type IssuedTokenProps = { issued: { key: Key; token: string }; onDone: () => void };

/** The one time that a token is shown. It lives in the state of the dialog around this, and goes with it. */
export function IssuedToken({ issued: { key, token }, onDone }: IssuedTokenProps) {
  const [language, setLanguage] = useState<Snippet['value']>('curl');
  const [taken, setTaken] = useState<'copied' | 'downloaded' | null>(null);
  const examples = snippets(window.location.origin, exampleFor(key), token);
  const example = examples.find(({ value }) => value === language);
  const download = () => {
    downloadText(envFileName(key.name), 'text/plain', envFile(token));
    setTaken('downloaded');
  };
  return (
    <div className="flex min-w-0 flex-col gap-5">
      <Notice tone="warning" role="status" title="Copy this key now. It's only shown once.">
        <p>
          We keep no copy that could be shown again. Put it into a secrets manager or an environment variable.
        </p>
      </Notice>
      <Field
        label="Your API key"
        hint={
          taken === 'copied'
            ? 'The key is in your clipboard until you copy something else: other apps, and a clipboard history, can read it there.'
            : taken === 'downloaded'
              ? 'Keep the file out of git and of shared folders, and delete it once the key is stored.'
              : undefined
        }
      >
        {(control) => (
          <div className="flex flex-col gap-2 sm:flex-row">
            <Input
              {...control}
              mono
              readOnly
              spellCheck={false}
              autoComplete="off"
              value={token}
              onFocus={(event) => event.target.select()}
            />
            <CopyButton primary autoFocus text={token} onCopied={() => setTaken('copied')} />
            <Button onClick={download}>
              <Download aria-hidden className="size-4" />
              Download .env
            </Button>
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
