import { useCallback, useEffect, useRef, useState } from 'react';

/** The first and the last row in sight. */
export type Range = readonly [first: number, last: number];

const NONE: Range = [0, 0];
/** Every change of state draws the list anew: while somebody scrolls, not in every frame. */
const EVERY_MS = 100;
const SETTLED_MS = 250;

type Timer = ReturnType<typeof setTimeout> | undefined;

/**
 * Which rows are in sight: `passing` a few times a second while somebody scrolls, to load what comes next in time;
 * `settled` once they have stopped, for questions about these rows.
 */
export const useVisible = () => {
  const [passing, setPassing] = useState(NONE);
  const [settled, setSettled] = useState(NONE);
  const latest = useRef(NONE);
  const next = useRef<Timer>(undefined);
  const settling = useRef<Timer>(undefined);
  useEffect(
    () => () => {
      clearTimeout(next.current);
      clearTimeout(settling.current);
      next.current = undefined;
    },
    [],
  );
  const onVisible = useCallback((first: number, last: number) => {
    latest.current = [first, last];
    clearTimeout(settling.current);
    settling.current = setTimeout(() => setSettled(latest.current), SETTLED_MS);
    if (next.current !== undefined) return;
    setPassing(latest.current);
    next.current = setTimeout(() => {
      next.current = undefined;
      setPassing(latest.current);
    }, EVERY_MS);
  }, []);
  return { passing, settled, onVisible };
};
