import type { Comparison } from './compare.ts';
import type { Growth } from './growth.ts';

function number(value: number | undefined, digits = 0): string {
  return value === undefined
    ? '-'
    : value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** The results as Markdown. */
export function table(comparisons: readonly Comparison[], grown: Growth, syncs: number): string {
  const compared = comparisons.map((one) =>
    row([
      one.name,
      number(one.ours),
      number(one.theirs),
      number(one.ratio, 2),
      one.target > 0 ? `>= ${one.target}` : '-',
      one.note,
    ]),
  );
  const figures = [
    ['look-up by index, time by that in 1,000 documents', number(grown.lookupRatio, 2), '<= 1.3'],
    ['own heap and buffers after collection, MB', number(grown.heapMegabytes), '< 150'],
    ['scan of all documents, s', number(grown.scanSeconds, 1), '-'],
    [
      `longest pause of ${number(grown.pings)} pings during the scan, ms`,
      number(grown.longestPingMs, 1),
      '-',
    ],
    ['median pause of a ping during the scan, ms', number(grown.medianPingMs, 1), '-'],
  ];
  return [
    row(['requests per second', 'this engine', 'the other', 'ratio', 'wanted', '']),
    row(['---', '---:', '---:', '---:', '---:', '---']),
    ...compared,
    row(['one file synced alone (4 kB each)', number(syncs), '', '', '', 'what the disk can do']),
    '',
    row([`with ${number(grown.documents)} documents of 300 bytes`, '', 'wanted']),
    row(['---', '---:', '---:']),
    ...figures.map(row),
  ].join('\n');
}
