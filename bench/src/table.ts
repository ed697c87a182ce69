import type { Case } from './cases.ts';
import type { Sample } from './sample.ts';
import { compare, cpuDifference, median, pairs, throughputRatio } from './summary.ts';

const NOTHING = '–';

const format = (value: number | null, digits: number): string =>
  value === null || !Number.isFinite(value) ? NOTHING : value.toFixed(digits);

const markdown = (rows: readonly (readonly string[])[]): string =>
  rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** A Markdown table. Its columns are numbers, but for the first ones. */
export const table = (
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  textColumns = 1,
): string => {
  const rule = columns.map((_column, index) => (index < textColumns ? '---' : '--:'));
  return markdown([columns, rule, ...rows]);
};

/** "503: 96.9 %, 200: 3.1 %", of the stream that is measured; the status alone where there is but one. */
const statusShares = (samples: readonly Sample[]): string => {
  const counts = new Map<string, number>();
  for (const { streams } of samples) {
    for (const [status, count] of Object.entries(streams[0]?.statuses ?? {})) {
      counts.set(status, (counts.get(status) ?? 0) + count);
    }
  }
  if (counts.size === 1) return [...counts.keys()].join('');
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const commonestFirst = [...counts].sort(([, one], [, other]) => other - one);
  return commonestFirst
    .map(([status, count]) => `${status}: ${format((100 * count) / total, 1)} %`)
    .join(', ');
};

const ratioToFloor = ({ name, floor }: Case, samples: readonly Sample[]): string => {
  if (floor === null) return NOTHING;
  const ratios = pairs(samples, name, floor).map(([one, other]) => throughputRatio(one, other));
  if (ratios.length === 0) return NOTHING;
  const digits = median(ratios) < 0.1 ? 3 : 2;
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
  return `${format(median(ratios), digits)} (${format(least, digits)}–${format(most, digits)})`;
};

const COLUMNS = [
  'case',
  'what',
  'answers',
  'per second',
  'of its floor (min–max)',
  'p50 ms',
  'p99 ms',
  'server CPU µs',
  'over its floor',
  'database CPU µs',
  'server MB',
  'client CPU %',
  'other CPU %',
  'failed',
];

const resultRow = (one: Case, samples: readonly Sample[]): string[] => {
  const own = samples.filter(({ name }) => name === one.name);
  const column = (field: (sample: Sample) => number | null, digits: number): string => {
    const values = own.map(field).filter((value) => value !== null);
    return format(values.length === 0 ? null : median(values), digits);
  };
  const overFloor = one.floor === null ? null : compare(samples, one.name, one.floor, cpuDifference);
  return [
    `\`${one.name}\``,
    one.title,
    statusShares(own),
    column(({ perSecond }) => perSecond, 0),
    ratioToFloor(one, samples),
    column(({ p50 }) => p50, 2),
    column(({ p99 }) => p99, 2),
    column(({ serverCpu }) => serverCpu, 1),
    format(overFloor, 1),
    column(({ databaseCpu }) => databaseCpu, 1),
    format(Math.max(...own.map(({ memory }) => memory)), 0),
    column(({ clientCpu }) => clientCpu * 100, 0),
    column(({ otherCpu }) => otherCpu * 100, 0),
    String(own.reduce((sum, { failures }) => sum + failures, 0)),
  ];
};

/** A row for every case: medians over the rounds, and ratios within each. */
export const resultTable = (cases: readonly Case[], samples: readonly Sample[]): string =>
  table(
    COLUMNS,
    cases.map((one) => resultRow(one, samples)),
    3,
  );
