import { problemOf } from './problem.ts';

/** Asks again every `ms`, but for somebody whose session has ended: that says the same every time. */
export const every =
  (ms: number) =>
  (query: { state: { error: unknown } }): number | false =>
    query.state.error && problemOf(query.state.error).status === 401 ? false : ms;
