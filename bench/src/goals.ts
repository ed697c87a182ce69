import type { Sample } from './sample.ts';
import { compare, cpuDifference, cpuRatio, latencyRatio, throughputRatio } from './summary.ts';
import { table } from './table.ts';

type Goal = {
  readonly text: string;
  /** `null` where what it takes was not measured. */
  measure(samples: readonly Sample[]): number | null;
  readonly bound: 'at least' | 'at most';
  readonly limit: number;
  readonly unit: string;
};

const comparison =
  (name: string, other: string, by: (one: Sample, other: Sample) => number) => (samples: readonly Sample[]) =>
    compare(samples, name, other, by);

const MEMORY_CASES = ['one-key', '1000-keys', '10000-keys', '10000-keys-of-many', 'overload'];
const largestMemory = (samples: readonly Sample[]): number | null => {
  const peaks = samples.filter(({ name }) => MEMORY_CASES.includes(name)).map(({ memory }) => memory);
  return peaks.length === 0 ? null : Math.max(...peaks);
};

/** What the hot path is to reach, on the embedded engine. */
const GOALS: readonly Goal[] = [
  {
    text: 'one key: server CPU over bare Fastify',
    measure: comparison('one-key', 'fastify', cpuDifference),
    bound: 'at most',
    limit: 20,
    unit: ' µs',
  },
  {
    text: 'one key: throughput of bare Fastify',
    measure: comparison('one-key', 'fastify', throughputRatio),
    bound: 'at least',
    limit: 0.5,
    unit: '',
  },
  {
    text: '1,000 keys of 100 accounts: server CPU over bare Fastify',
    measure: comparison('1000-keys', 'fastify', cpuDifference),
    bound: 'at most',
    limit: 30,
    unit: ' µs',
  },
  {
    text: '1,000 keys of 100 accounts: throughput of bare Fastify',
    measure: comparison('1000-keys', 'fastify', throughputRatio),
    bound: 'at least',
    limit: 0.4,
    unit: '',
  },
  {
    text: 'tRPC with a key: throughput of bare tRPC',
    measure: comparison('trpc-one-key', 'trpc', throughputRatio),
    bound: 'at least',
    limit: 0.8,
    unit: '',
  },
  {
    text: 'one key: times the throughput of better-auth in memory',
    measure: comparison('one-key', 'better-auth-memory', throughputRatio),
    bound: 'at least',
    limit: 7,
    unit: '',
  },
  {
    text: 'a bad checksum: throughput of bare Fastify',
    measure: comparison('bad-checksum', 'fastify', throughputRatio),
    bound: 'at least',
    limit: 0.8,
    unit: '',
  },
  {
    text: "one key: times bare Fastify's p99",
    measure: comparison('one-key', 'fastify', latencyRatio),
    bound: 'at most',
    limit: 3,
    unit: '',
  },
  {
    text: '10,000 keys, in a large database: times the server CPU in a small one',
    measure: comparison('10000-keys-of-many', '10000-keys', cpuRatio),
    bound: 'at most',
    limit: 1.1,
    unit: '',
  },
  {
    text: 'a refusal over the limit: times the server CPU of an answer',
    measure: comparison('over-limit', 'one-key', cpuRatio),
    bound: 'at most',
    limit: 1,
    unit: '',
  },
  { text: 'memory of a server process', measure: largestMemory, bound: 'at most', limit: 200, unit: ' MB' },
];

const verdict = (value: number | null, { bound, limit }: Goal): string => {
  if (value === null) return 'not measured';
  return (bound === 'at least' ? value >= limit : value <= limit) ? 'reached' : 'not reached';
};

export const goalTable = (samples: readonly Sample[]): string =>
  table(
    ['goal', 'aim', 'measured', ''],
    GOALS.map((goal) => {
      const value = goal.measure(samples);
      const measured = value === null ? '–' : `${value.toFixed(2)}${goal.unit}`;
      return [goal.text, `${goal.bound} ${goal.limit}${goal.unit}`, measured, verdict(value, goal)];
    }),
  );
