import { expect } from 'vitest';
import { KaanaApiError } from '../index.ts';

/** Expects a call to fail with a `KaanaApiError`; returns it. */
export const failureOfCall = async (call: Promise<unknown>): Promise<KaanaApiError> => {
  const error = await call.then(
    () => expect.fail('the call succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof KaanaApiError)) throw error;
  return error;
};
