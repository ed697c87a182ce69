import { useMemo } from 'react';
import { type Problem, problemOf } from './problem.ts';

/** A mutation's error as a problem: the same object as long as the error is the same. */
export const useProblem = (error: unknown): Problem | null =>
  useMemo(() => (error ? problemOf(error) : null), [error]);
