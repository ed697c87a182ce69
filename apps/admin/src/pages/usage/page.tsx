import { useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'react-router';
import { Denied } from '../../denied.tsx';
import { Loaded } from '../../loaded.tsx';
import { useCan } from '../../session.tsx';
import { trpc } from '../../trpc.ts';
import { Card } from '../../ui/card.tsx';
import { PageHeader, Stack } from '../../ui/page.tsx';
import { Select } from '../../ui/select.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { useNow } from '../../ui/time.tsx';
import { Chart } from './chart.tsx';
import { KeyUsageTable } from './key-usage-table.tsx';
import { RANGES, rangeStart } from './range.ts';
import { Totals } from './totals.tsx';

const POLL_MS = 5_000;
const ALL = 'all';

/** Range and key are in the address, so that they survive a reload and can be linked to. */
const useParameters = () => {
  const [parameters, setParameters] = useSearchParams();
  const range = RANGES.find(({ value }) => value === parameters.get('range')) ?? RANGES[1];
  const set = (name: 'range' | 'key', value: string) =>
    setParameters(
      (previous) => {
        const next = new URLSearchParams(previous);
        if (value === ALL) next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  return { range, keyId: parameters.get('key') ?? ALL, set };
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
  const { range, keyId, set } = useParameters();
  const input = { from: rangeStart(range, useNow()), ...(keyId === ALL ? {} : { keyId }) };
  const options = {
    refetchInterval: POLL_MS,
    placeholderData: <Data,>(previous: Data | undefined) => previous,
  };
  const summary = useQuery(trpc.usage.summary.queryOptions(input, options));
  const series = useQuery(trpc.usage.series.queryOptions({ ...input, interval: range.interval }, options));

  return (
    <Tabs
      label="Range"
      tabs={RANGES}
      value={range.value}
      onChange={(value) => set('range', value)}
      aside={<KeyFilter keyId={keyId} onChange={(value) => set('key', value)} />}
    >
      <Stack>
        <Loaded query={summary} label="Loading totals" rows={1}>
          {({ totals }) => <Totals totals={totals} />}
        </Loaded>
        <Loaded query={series} label="Loading the chart" rows={5}>
          {(data) => (
            <Card title="Requests over time">
              <Chart series={data} />
            </Card>
          )}
        </Loaded>
        <Loaded query={summary} label="Loading usage per key">
          {({ keys }) => <KeyUsageTable rows={keys} />}
        </Loaded>
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
