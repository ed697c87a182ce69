import { type Decision, decide, type Question, withoutNewest } from './admission-log.ts';
import type { HeldLimit, LimitStore } from './stores.ts';

/** All that a record says has left the window by then. */
const keepMs = (windowMs: number): number => 2 * windowMs;

/**
 * Decides and remembers in one step, as seen from outside: asked again until no other process was faster. `held` is
 * what is believed to be remembered, from an earlier answer. To admit by it is safe, since the write fails where it is
 * outdated; before a refusal it is read anew.
 */
export const answer = async (
  store: LimitStore,
  id: string,
  ask: () => Promise<Question>,
  held: HeldLimit | null,
): Promise<{ decision: Decision; held: HeldLimit }> => {
  let believed = held;
  for (;;) {
    const current = believed ?? (await store.read(id));
    const question = await ask();
    const decision = decide(current.record, question);
    const outdated = believed !== null && decision.granted < question.count;
    if (!outdated) {
      if (!decision.record) return { decision, held: current };
      const revision = await store.write(id, current.revision, decision.record, keepMs(question.windowMs));
      if (revision !== null) return { decision, held: { revision, record: decision.record } };
    }
    believed = null;
  }
};

/** A limit on something rare, without leases: every attempt is one question. */
export type Throttle = { readonly limit: number; readonly windowMs: number };

/** Counts an attempt. `null`: it may go on; else the milliseconds until one more is allowed. */
export const takeAttempt = async (
  store: LimitStore,
  id: string,
  { limit, windowMs }: Throttle,
): Promise<number | null> => {
  const ask = async () => ({ count: 1, limit, windowMs, now: await store.now() });
  const { decision } = await answer(store, id, ask, null);
  return decision.granted === 1 ? null : decision.availableInMs;
};

/** Gives back the newest attempt: it turned out not to count. */
export const returnAttempt = async (store: LimitStore, id: string, { windowMs }: Throttle): Promise<void> => {
  for (;;) {
    const { revision, record } = await store.read(id);
    const rest = withoutNewest(record);
    if (!rest || (await store.write(id, revision, rest, keepMs(windowMs))) !== null) return;
  }
};
