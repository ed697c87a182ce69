import { overloaded } from './coalesce.ts';

export type Gate = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** So much at a time, and so many in the queue; beyond that `overloaded`. */
export const createGate = (concurrency: number, maxWaiting: number): Gate => {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= concurrency) {
      if (waiting.length >= maxWaiting) throw overloaded();
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
};
