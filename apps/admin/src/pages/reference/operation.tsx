import { useState } from 'react';
import { Badge } from '../../ui/badge.tsx';
import { Disclosure } from '../../ui/disclosure.tsx';
import { type Field, fieldsOf, type Operation, type Reference, typeOf } from './openapi.ts';
import { TryIt } from './try-it.tsx';

const TONE: Readonly<Record<string, 'accent' | 'good' | 'warn' | 'danger'>> = {
  GET: 'accent',
  POST: 'good',
  PATCH: 'warn',
  DELETE: 'danger',
};

type OperationPanelProps = {
  operation: Operation;
  schemas: Reference['schemas'];
  token: string;
  open: boolean;
};

export function OperationPanel({ operation, schemas, token, open: linked }: OperationPanelProps) {
  const [open, setOpen] = useState(linked);
  const inputs: readonly Field[] = [
    ...operation.parameters.map(({ name, required, description = '', schema }) => ({
      name,
      type: typeOf(schema),
      required,
      description,
    })),
    ...fieldsOf(operation.body, schemas),
  ];
  return (
    <Disclosure
      id={operation.id}
      open={open}
      onToggle={setOpen}
      summary={
        <span className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
          <span className="w-16">
            <Badge tone={TONE[operation.method] ?? 'quiet'}>{operation.method}</Badge>
          </span>
          <code className="font-mono text-[0.8125rem] wrap-anywhere">{operation.path}</code>
          <span className="min-w-0 text-[0.8125rem] font-normal text-ink-muted">{operation.summary}</span>
        </span>
      }
    >
      {open && (
        <div className="flex flex-col gap-5">
          <p className="text-[0.8125rem] text-ink-muted">
            {operation.description.replaceAll('`', '')} {!operation.needsKey && 'No key is needed.'}
          </p>
          <Fields title="Input" fields={inputs} />
          <Fields title="Answer" fields={fieldsOf(operation.answer, schemas)} />
          <TryIt operation={operation} token={token} />
        </div>
      )}
    </Disclosure>
  );
}

function Fields({ title, fields }: { title: string; fields: readonly Field[] }) {
  if (fields.length === 0) return null;
  return (
    <div>
      <h3 className="mb-1.5 text-[0.8125rem] font-medium">{title}</h3>
      <dl className="divide-y divide-line rounded-lg border border-line text-[0.8125rem]">
        {fields.map(({ name, type, required, description }) => (
          <div key={name} className="grid gap-x-4 px-3 py-2 sm:grid-cols-[11rem_1fr]">
            <dt className="font-mono wrap-anywhere">
              {name}
              {title === 'Input' && required && (
                <span className="ml-2 font-sans text-xs text-danger-ink">required</span>
              )}
            </dt>
            <dd className="min-w-0 text-ink-muted">
              <code className="font-mono text-xs wrap-anywhere">{type}</code>
              {description && <span className="block">{description.replaceAll('`', '')}</span>}
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
