import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { addressOf, curlOf, type Operation, sampleBody } from './openapi.ts';

type Answer = {
  readonly status: number;
  readonly milliseconds: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly text: string;
};

const SHOWN_HEADERS = ['ratelimit', 'retry-after', 'x-request-id'];

const pretty = (text: string): string => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

const send = async (method: string, address: string, token: string, body: string | null): Promise<Answer> => {
  const began = performance.now();
  const response = await fetch(address, {
    method,
    // As an outside caller: with the key alone, never with the session's cookie.
    credentials: 'omit',
    cache: 'no-store',
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body === null ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === null ? {} : { body }),
  });
  const text = await response.text();
  return {
    status: response.status,
    milliseconds: Math.round(performance.now() - began),
    headers: SHOWN_HEADERS.flatMap((name) => {
      const value = response.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    }),
    text: pretty(text),
  };
};

export function TryIt({ operation, token }: { operation: Operation; token: string }) {
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [body, setBody] = useState(operation.body ? sampleBody(operation.body) : '');
  const [missing, setMissing] = useState(false);
  const call = useMutation({
    // The answer may carry a token: no cache may keep it.
    gcTime: 0,
    mutationFn: (address: string) =>
      send(operation.method, address, operation.needsKey ? token : '', operation.body ? body : null),
  });
  const address = addressOf(operation, values);
  const lacksKey = operation.needsKey && !token;
  const submit = () => {
    setMissing(address === null);
    if (address !== null && !lacksKey) call.mutate(address);
  };
  return (
    <div className="rounded-lg border border-line bg-sunken p-4">
      <Form onSubmit={submit} busy={call.isPending} problem={null}>
        <div className="grid gap-4 sm:grid-cols-2">
          {operation.parameters.map(({ name, in: place }) => (
            <Field
              key={name}
              label={name}
              optional={place === 'query'}
              error={
                missing && place === 'path' && !values[name]?.trim() ? 'Part of the address.' : undefined
              }
            >
              {(control) => (
                <Input
                  {...control}
                  mono
                  autoComplete="off"
                  value={values[name] ?? ''}
                  onChange={(event) => setValues({ ...values, [name]: event.target.value })}
                />
              )}
            </Field>
          ))}
        </div>
        {operation.body && (
          <Field label="Body">
            {(control) => (
              <Textarea
                {...control}
                mono
                rows={5}
                spellCheck={false}
                value={body}
                onChange={(event) => setBody(event.target.value)}
              />
            )}
          </Field>
        )}
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" variant="primary" busy={call.isPending} disabled={lacksKey}>
            Send request
          </Button>
          {lacksKey && (
            <span className="text-[0.8125rem] text-ink-muted">
              Put an API key at the top of the page first.
            </span>
          )}
        </div>
      </Form>
      <div className="mt-4 flex flex-col gap-4">
        {call.error && (
          <Notice tone="danger" role="alert" title="No answer">
            <p>The server could not be reached.</p>
          </Notice>
        )}
        {call.data && <Answered answer={call.data} />}
        <CodeBlock
          what="cURL"
          code={curlOf(
            window.location.origin,
            operation.method,
            address ?? operation.path,
            operation.needsKey,
            operation.body ? body : null,
          )}
        />
      </div>
    </div>
  );
}

function Answered({ answer }: { answer: Answer }) {
  return (
    <div role="status" className="flex flex-col gap-2">
      <p className="flex flex-wrap items-center gap-2 text-[0.8125rem]">
        <Badge tone={answer.status < 400 ? 'good' : 'danger'}>{answer.status}</Badge>
        <span className="text-ink-muted">{answer.milliseconds} ms</span>
        {answer.headers.map(([name, value]) => (
          <code key={name} className="font-mono text-xs text-ink-muted wrap-anywhere">
            {name}: {value}
          </code>
        ))}
      </p>
      <CodeBlock what="Answer" code={answer.text} />
    </div>
  );
}
