import type { ErrorCode } from '@kaana/core';
import { expect } from 'vitest';
import { kaanaErrorOf } from '../errors.ts';

/** Expects a call to be refused with a code; returns the error. */
export const expectRefusal = async (call: Promise<unknown>, code: ErrorCode) => {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('value' in outcome) {
    return expect.fail(`expected ${code}, but the call succeeded with ${JSON.stringify(outcome.value)}`);
  }
  const known = kaanaErrorOf(outcome.error);
  if (!known) throw outcome.error;
  expect(known.code, known.message).toBe(code);
  return known;
};
