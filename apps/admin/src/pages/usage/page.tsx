import { useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'react-router';
import { Denied } from '../../denied.tsx';
import { Loaded } from '../../loaded.tsx';
import { every } from '../../poll.ts';
import { useCan } from '../../session.tsx';
import { trpc } from '../../trpc.ts';
import { Card, Section } from '../../ui/card.tsx';
import { DateInput } from '../../ui/input.tsx';
import { PageHeader, Stack } from '../../ui/page.tsx';
import { Select } from '../../ui/select.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { useNow } from '../../ui/time.tsx';
import { today } from '../api-keys/expiry.ts';
import { UsageChart } from './chart.tsx';
import { Headroom } from './headroom.tsx';
import { KeyUsageTable } from './key-usage-table.tsx';
import { chosenSpan, DEFAULT_RANGE, RANGES, rangeStart, type Span } from './range.ts';
import { Totals } from './totals.tsx';

const POLL_MS = 5_000;
const ALL = 'all';
const TABS = [...RANGES, { value: 'custom', label: 'Custom' }] as const;

/** Range and key are in the address, so that they survive a reload and can be linked to. */
const useParameters = () => {
  const [parameters, setParameters] = useSearchParams();
  const named = TABS.find(({ value }) => value === parameters.get('range'))?.value ?? DEFAULT_RANGE.value;
  const set = (values: Record<string, string>) =>
    setParameters(
      (previous) => {
        const next = new URLSearchParams(previous);
        for (const [name, value] of Object.entries(values)) {
          if (value === ALL) next.delete(name);
          else next.set(name, value);
        }
        return next;
      },
      { replace: true },
    );
  return {
    tab: named,
    firstDay: parameters.get('from') ?? today(Date.now()),
    lastDay: parameters.get('to') ?? today(Date.now()),
    keyId: parameters.get('key') ?? ALL,
    set,
  };
};

export function UsagePage() {
  const mayRead = useCan('usage:read');
  return (
    <>
      <PageHeader title="Usage" description="Requests that were made with API keys, and how they ended." />
      {mayRead ? <Usage /> : <Denied permission="usage:read" what="see usage" />}
    </>
  );
}

function Usage() {
  const { tab, firstDay, lastDay, keyId, set } = useParameters();
  const now = useNow();
  const range = RANGES.find(({ value }) => value === tab);
  const span: Span = range
    ? { from: rangeStart(range, now), interval: range.interval }
    : (chosenSpan(firstDay, lastDay) ?? { from: rangeStart(DEFAULT_RANGE, now), interval: 'hour' });
  const { interval, ...times } = span;
  const input = { ...times, ...(keyId === ALL ? {} : { keyId }) };
  const options = {
    refetchInterval: every(POLL_MS),
    placeholderData: <Data,>(previous: Data | undefined) => previous,
  };
  const summary = useQuery(trpc.usage.summary.queryOptions(input, options));
  const series = useQuery(trpc.usage.series.queryOptions({ ...input, interval }, options));

  return (
    <Tabs
      label="Range"
      tabs={TABS}
      value={tab}
      onChange={(value) => set({ range: value })}
      aside={<KeyFilter keyId={keyId} onChange={(key) => set({ key })} />}
    >
      <Stack>
        {tab === 'custom' && (
          <div className="flex flex-wrap items-center gap-2 text-[0.8125rem]">
            <DateInput
              label="First day"
              value={firstDay}
              max={lastDay}
              onChange={(from) => set({ range: 'custom', from, to: lastDay })}
            />
            <DateInput
              label="Last day"
              value={lastDay}
              min={firstDay}
              max={today(now)}
              onChange={(to) => set({ range: 'custom', from: firstDay, to })}
            />
          </div>
        )}
        <Loaded query={summary} label="Loading totals" rows={1}>
          {({ totals }) => <Totals totals={totals} />}
        </Loaded>
        <Loaded query={series} label="Loading the chart" rows={6}>
          {(data) => (
            <Card title="Requests over time">
              <UsageChart series={data} />
            </Card>
          )}
        </Loaded>
        <Headroom />
        <Section title="Keys" description="Sorted by the busiest, or by the most refused.">
          <Loaded query={summary} label="Loading usage per key">
            {({ keys }) => <KeyUsageTable rows={keys} />}
          </Loaded>
        </Section>
      </Stack>
    </Tabs>
  );
}

function KeyFilter({ keyId, onChange }: { keyId: string; onChange: (keyId: string) => void }) {
  const mayReadKeys = useCan('keys:read');
  const keys = useQuery(
    trpc.keys.list.queryOptions({ limit: 200 }, { enabled: mayReadKeys, staleTime: 60_000 }),
  );
  const options =
    keys.data?.data.map(({ id, name, start }) => ({ value: id, label: name, hint: `${start}…` })) ?? [];
  const known = keyId === ALL || options.some(({ value }) => value === keyId);
  return (
    <div className="w-56">
      <Select
        aria-label="Key"
        value={keyId}
        onChange={onChange}
        options={[
          { value: ALL, label: 'All keys' },
          ...options,
          ...(known ? [] : [{ value: keyId, label: 'One key' }]),
        ]}
      />
    </div>
  );
}
