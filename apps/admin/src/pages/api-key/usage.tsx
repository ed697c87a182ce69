import { useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'react-router';
import { Loaded } from '../../loaded.tsx';
import { every } from '../../poll.ts';
import { trpc } from '../../trpc.ts';
import { Card } from '../../ui/card.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { useNow } from '../../ui/time.tsx';
import { UsageChart } from '../usage/chart.tsx';
import { formatCount, OUTCOMES } from '../usage/outcomes.ts';
import { DEFAULT_RANGE, RANGES, rangeStart } from '../usage/range.ts';

const POLL_MS = 10_000;

export function KeyUsage({ keyId }: { keyId: string }) {
  const [parameters, setParameters] = useSearchParams();
  const range = RANGES.find(({ value }) => value === parameters.get('range')) ?? DEFAULT_RANGE;
  const series = useQuery(
    trpc.usage.series.queryOptions(
      { keyId, from: rangeStart(range, useNow()), interval: range.interval },
      { refetchInterval: every(POLL_MS), placeholderData: (previous) => previous },
    ),
  );
  return (
    <Card title="Usage">
      <Tabs
        label="Range"
        tabs={RANGES}
        value={range.value}
        onChange={(value) => setParameters({ range: value }, { replace: true })}
      >
        <Loaded query={series} label="Loading the chart" rows={4}>
          {(data) => {
            const sum = (key: (typeof OUTCOMES)[number]['key'] | 'total') =>
              data.data.reduce((all, { counts }) => all + counts[key], 0);
            return (
              <>
                <p className="mb-4 text-sm">
                  <strong className="font-semibold tabular-nums">{formatCount(sum('total'))}</strong>{' '}
                  {sum('total') === 1 ? 'request' : 'requests'}
                  {OUTCOMES.filter(({ key }) => key !== 'served' && sum(key) > 0).map(({ key, label }) => (
                    <span key={key} className="text-ink-muted">
                      , {formatCount(sum(key))} {label.toLowerCase()}
                    </span>
                  ))}
                </p>
                <UsageChart series={data} />
              </>
            );
          }}
        </Loaded>
      </Tabs>
    </Card>
  );
}
