/** How long to rest after work that took so long, in milliseconds. */
export type Rest = (tookMs: number) => number;

/** At least `leastMs`, and long enough for the work to take no more than `share` of the time, but never beyond `mostMs`. */
export const restInProportion =
  (leastMs: number, mostMs: number, share: number): Rest =>
  (tookMs) =>
    Math.min(mostMs, Math.max(leastMs, tookMs / share - tookMs));

/** Runs `work` again and again, with a rest between; a failure is reported and does not end it. Returns its end. */
export const repeat = (
  rest: number | Rest,
  work: () => Promise<unknown>,
  report: (error: unknown) => void,
  firstMs = typeof rest === 'number' ? rest : rest(0),
): (() => void) => {
  let timer: NodeJS.Timeout;
  const schedule = (delayMs: number) => {
    timer = setTimeout(() => {
      const begunAt = performance.now();
      void work()
        .catch(report)
        .finally(() => schedule(typeof rest === 'number' ? rest : rest(performance.now() - begunAt)));
    }, delayMs);
    timer.unref();
  };
  schedule(firstMs);
  return () => clearTimeout(timer);
};
