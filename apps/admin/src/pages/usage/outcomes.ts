import type { UsageCounts } from '../../trpc.ts';

export type Outcome = Exclude<keyof UsageCounts, 'total'>;

type Look = {
  readonly key: Outcome;
  readonly label: string;
  readonly hint: string;
  readonly color: string;
  readonly fill: string;
};

/** How a request ended, from the bottom of a bar to its top. */
export const OUTCOMES: readonly Look[] = [
  { key: 'served', label: 'Served', hint: '2xx', color: 'bg-chart-served', fill: 'fill-chart-served' },
  {
    key: 'clientError',
    label: 'Client errors',
    hint: '4xx',
    color: 'bg-chart-client-error',
    fill: 'fill-chart-client-error',
  },
  { key: 'denied', label: 'Denied', hint: '403', color: 'bg-chart-denied', fill: 'fill-chart-denied' },
  {
    key: 'rateLimited',
    label: 'Rate limited',
    hint: '429',
    color: 'bg-chart-rate-limited',
    fill: 'fill-chart-rate-limited',
  },
  {
    key: 'serverError',
    label: 'Server errors',
    hint: '5xx',
    color: 'bg-chart-server-error',
    fill: 'fill-chart-server-error',
  },
];

const number = new Intl.NumberFormat('en');
export const formatCount = (count: number): string => number.format(count);

/** Whatever did not end as the caller wanted. */
export const refused = (counts: UsageCounts): number => counts.total - counts.served;
