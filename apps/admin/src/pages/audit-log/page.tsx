import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Download, ScrollText } from 'lucide-react';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { Denied } from '../../denied.tsx';
import { Loaded, LoadMore } from '../../loaded.tsx';
import { problemOf } from '../../problem.ts';
import { queryClient } from '../../query-client.ts';
import { useCan } from '../../session.tsx';
import { type AuditEvent, type AuditListInput, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { downloadText } from '../../ui/download.ts';
import { DateInput } from '../../ui/input.tsx';
import { Menu, MenuItem } from '../../ui/menu.tsx';
import { PageHeader } from '../../ui/page.tsx';
import { Select } from '../../ui/select.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { toast } from '../../ui/toast.tsx';
import { ACTION_OPTIONS } from './actions.ts';
import { toCsv, toJson } from './export.ts';
import { AuditTable } from './table.tsx';

const ALL = 'all';
type Name = 'action' | 'actor' | 'key' | 'from' | 'to';

const dayStart = (day: string, plusDays = 0): string | undefined => {
  const at = new Date(`${day}T00:00:00`);
  at.setDate(at.getDate() + plusDays);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
};

/** The filters are in the address, so that what somebody found can be sent to somebody else. */
const useFilter = () => {
  const [parameters, setParameters] = useSearchParams();
  const get = (name: Name) => parameters.get(name) ?? '';
  const from = dayStart(get('from'));
  const to = dayStart(get('to'), 1);
  const input: AuditListInput = {
    ...(get('action') ? { action: get('action') } : {}),
    ...(get('actor') ? { actorId: get('actor') } : {}),
    ...(get('key') ? { keyId: get('key') } : {}),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
  };
  const set = (name: Name, value: string) =>
    setParameters(
      (previous) => {
        const next = new URLSearchParams(previous);
        if (value === ALL || value === '') next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  return {
    get,
    set,
    input,
    isFiltered: Object.keys(input).length > 0,
    clear: () => setParameters({}, { replace: true }),
  };
};

export function AuditLogPage() {
  const mayRead = useCan('audit:read');
  const filter = useFilter();
  return (
    <>
      <PageHeader
        title="Audit log"
        description="Every change in your organization: who made it, when, and what it was before and after."
        actions={mayRead && <Export input={filter.input} />}
      />
      {mayRead ? <AuditLog filter={filter} /> : <Denied permission="audit:read" what="read the audit log" />}
    </>
  );
}

function AuditLog({ filter }: { filter: ReturnType<typeof useFilter> }) {
  const list = useInfiniteQuery(
    trpc.audit.list.infiniteQueryOptions(filter.input, {
      getNextPageParam: (page) => page.nextCursor,
      placeholderData: (previous) => previous,
    }),
  );
  return (
    <>
      <Filters filter={filter} />
      <Loaded query={list} label="Loading the audit log" rows={6}>
        {({ pages }) => {
          const events = pages.flatMap((page) => page.data);
          if (events.length === 0) {
            return (
              <EmptyState
                icon={ScrollText}
                title="Nothing here"
                {...(filter.isFiltered
                  ? { action: <Button onClick={filter.clear}>Show everything</Button> }
                  : {})}
              >
                <p>Nothing of this kind has happened.</p>
              </EmptyState>
            );
          }
          return (
            <>
              <AuditTable caption="Audit log, newest first" events={events} />
              <LoadMore list={list} />
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function Filters({ filter }: { filter: ReturnType<typeof useFilter> }) {
  const members = useQuery(
    trpc.members.list.queryOptions({ limit: 200 }, { enabled: useCan('members:read'), staleTime: 60_000 }),
  );
  const keys = useQuery(
    trpc.keys.list.queryOptions({ limit: 200 }, { enabled: useCan('keys:read'), staleTime: 60_000 }),
  );
  const withUnknown = (options: readonly { value: string; label: string }[], value: string, label: string) =>
    value && !options.some((option) => option.value === value) ? [...options, { value, label }] : options;
  const actors = (members.data?.data ?? []).map(({ id, name }) => ({ value: id, label: name }));
  const keyOptions = (keys.data?.data ?? []).map(({ id, name }) => ({ value: id, label: name }));
  return (
    <div className="mb-4 flex flex-wrap items-center gap-2">
      <div className="w-48">
        <Select
          aria-label="Action"
          value={filter.get('action') || ALL}
          onChange={(value) => filter.set('action', value)}
          options={ACTION_OPTIONS}
        />
      </div>
      <div className="w-40">
        <Select
          aria-label="Who"
          value={filter.get('actor') || ALL}
          onChange={(value) => filter.set('actor', value)}
          options={[
            { value: ALL, label: 'Everybody' },
            ...withUnknown(actors, filter.get('actor'), 'One person'),
          ]}
        />
      </div>
      <div className="w-48">
        <Select
          aria-label="API key"
          value={filter.get('key') || ALL}
          onChange={(value) => filter.set('key', value)}
          options={[
            { value: ALL, label: 'All API keys' },
            ...withUnknown(keyOptions, filter.get('key'), 'One key'),
          ]}
        />
      </div>
      <DateInput label="From" value={filter.get('from')} onChange={(value) => filter.set('from', value)} />
      <DateInput label="To" value={filter.get('to')} onChange={(value) => filter.set('to', value)} />
    </div>
  );
}

const PAGE = 200;
/** What a browser and a spreadsheet still handle well. */
const MAX_EXPORTED = 20_000;

const allEvents = async (input: AuditListInput): Promise<AuditEvent[]> => {
  const events: AuditEvent[] = [];
  let cursor: string | undefined;
  do {
    const page = await queryClient.fetchQuery(
      trpc.audit.list.queryOptions(
        { ...input, limit: PAGE, ...(cursor ? { cursor } : {}) },
        { staleTime: 0, gcTime: 0 },
      ),
    );
    events.push(...page.data);
    cursor = page.nextCursor ?? undefined;
  } while (cursor && events.length < MAX_EXPORTED);
  return events;
};

function Export({ input }: { input: AuditListInput }) {
  const [busy, setBusy] = useState(false);
  const run = async (kind: 'csv' | 'json') => {
    setBusy(true);
    try {
      const events = await allEvents(input);
      const day = new Date().toISOString().slice(0, 10);
      if (kind === 'csv') downloadText(`audit-log-${day}.csv`, 'text/csv', toCsv(events));
      else downloadText(`audit-log-${day}.json`, 'application/json', toJson(events));
      toast.success(
        events.length >= MAX_EXPORTED
          ? `The newest ${MAX_EXPORTED} events are exported. Choose a time to export the rest.`
          : `${events.length} ${events.length === 1 ? 'event is' : 'events are'} exported.`,
      );
    } catch (error) {
      toast.error(problemOf(error).detail);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Menu
      trigger={
        <Button busy={busy}>
          {!busy && <Download aria-hidden className="size-4" />}
          Export
        </Button>
      }
    >
      <MenuItem onSelect={() => void run('csv')}>CSV, for spreadsheets</MenuItem>
      <MenuItem onSelect={() => void run('json')}>JSON, for programs</MenuItem>
    </Menu>
  );
}
