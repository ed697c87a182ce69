/** How a request with a key ended. `denied`: 403; `rateLimited`: 429, or 402 where credits are used up; `clientError`: any other 4xx. */
export const OUTCOMES = ['served', 'clientError', 'denied', 'rateLimited', 'serverError'] as const;
export type Outcome = (typeof OUTCOMES)[number];
export type Counts = Record<Outcome, number>;

export const outcomeOf = (status: number): Outcome => {
  if (status < 400) return 'served';
  if (status === 403) return 'denied';
  if (status === 429 || status === 402) return 'rateLimited';
  return status < 500 ? 'clientError' : 'serverError';
};

export const noCounts = (): Counts => ({
  served: 0,
  clientError: 0,
  denied: 0,
  rateLimited: 0,
  serverError: 0,
});
export const total = (counts: Counts): number => OUTCOMES.reduce((sum, outcome) => sum + counts[outcome], 0);

export const MINUTE_MS = 60_000;
export const startOfMinute = (at: number): number => at - (at % MINUTE_MS);
