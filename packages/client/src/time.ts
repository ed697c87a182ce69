/** What the client knows of time and chance. Tests pass their own. */
export type Time = {
  /** Milliseconds since 1970, as `Date.now`. */
  readonly now: () => number;
  /** At least 0, less than 1, as `Math.random`. */
  readonly random: () => number;
  /** Calls `run` once after `ms` milliseconds, unless what it returns is called before. */
  readonly startTimer: (ms: number, run: () => void) => () => void;
};

export const systemTime: Time = {
  now: () => Date.now(),
  random: () => Math.random(),
  startTimer: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Rejects with the signal's reason as soon as it aborts. */
export const sleep = ({ startTimer }: Time, ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = startTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
