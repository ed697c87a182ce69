import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'react-router';
import { Loaded } from '../../loaded.tsx';
import { Button } from '../../ui/button.tsx';
import { Card, Section } from '../../ui/card.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { PageHeader, Stack, TextLink } from '../../ui/page.tsx';
import { loadReference, type Operation, type Reference } from './openapi.ts';
import { OperationPanel } from './operation.tsx';

const TAGS: Readonly<Record<string, string>> = {
  user: 'User',
  projects: 'Projects',
  keys: 'API keys',
  usage: 'Usage',
  audit: 'Audit log',
  members: 'Members',
  organization: 'Organization',
};

const byTag = (operations: readonly Operation[]): ReadonlyMap<string, readonly Operation[]> => {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    const group = groups.get(operation.tag);
    if (group) group.push(operation);
    else groups.set(operation.tag, [operation]);
  }
  return groups;
};

export function ReferencePage() {
  const reference = useQuery({ queryKey: ['openapi'], queryFn: loadReference, staleTime: 5 * 60_000 });
  return (
    <>
      <PageHeader
        title="API reference"
        description={
          <>
            Everything that an API key can call, out of{' '}
            <TextLink asChild>
              <a href="/api/openapi.json">the OpenAPI document</a>
            </TextLink>{' '}
            of this server. A page without scripts is at{' '}
            <TextLink asChild>
              <a href="/api/docs">/api/docs</a>
            </TextLink>
            .
          </>
        }
      />
      <Loaded query={reference} label="Loading the reference" rows={6}>
        {(data) => <Operations reference={data} />}
      </Loaded>
    </>
  );
}

function Operations({ reference }: { reference: Reference }) {
  const { hash } = useLocation();
  // Nowhere but here: it goes with the page.
  const [token, setToken] = useState('');
  return (
    <Stack>
      <Card title="Try it" description="Calls from this page go to this server, and count like any other.">
        <div className="flex flex-wrap items-end gap-2">
          <div className="min-w-64 flex-1">
            <Field
              label="API key"
              hint="It stays in the memory of this tab: leaving the page or reloading it forgets it."
            >
              {(control) => (
                <Input
                  {...control}
                  type="password"
                  mono
                  autoComplete="off"
                  spellCheck={false}
                  placeholder="kaana_…"
                  value={token}
                  onChange={(event) => setToken(event.target.value.trim())}
                />
              )}
            </Field>
          </div>
          <div className="pb-7">
            <Button disabled={!token} onClick={() => setToken('')}>
              Forget it
            </Button>
          </div>
        </div>
      </Card>
      {[...byTag(reference.operations)].map(([tag, operations]) => (
        <Section key={tag} title={TAGS[tag] ?? tag}>
          <div className="flex flex-col gap-2">
            {operations.map((operation) => (
              <OperationPanel
                key={operation.id}
                operation={operation}
                schemas={reference.schemas}
                token={token}
                open={hash === `#${operation.id}`}
              />
            ))}
          </div>
        </Section>
      ))}
    </Stack>
  );
}
