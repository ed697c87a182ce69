import type { UsageCounts } from '../../trpc.ts';

export type Outcome = Exclude<keyof UsageCounts, 'total'>;

/** How a request ended, from the bottom of a bar to its top. */
export const OUTCOMES: readonly { key: Outcome; label: string; hint: string; color: string }[] = [
  { key: 'served', label: 'Served', hint: '2xx', color: 'bg-chart-served' },
  { key: 'clientError', label: 'Client errors', hint: '4xx', color: 'bg-chart-client-error' },
  { key: 'denied', label: 'Denied', hint: '403', color: 'bg-chart-denied' },
  { key: 'rateLimited', label: 'Rate limited', hint: '429', color: 'bg-chart-rate-limited' },
  { key: 'serverError', label: 'Server errors', hint: '5xx', color: 'bg-chart-server-error' },
];

const number = new Intl.NumberFormat('en');
export const formatCount = (count: number): string => number.format(count);
