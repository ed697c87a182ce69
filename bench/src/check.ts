import { mintToken } from '@kaana/api-key';
import { mistype, type Subject } from './cases.ts';
import { ANSWER } from './servers/answer.ts';

/** Of what is answered, by which ours may differ from what the floors and peers answer. */
const TOLERANCE = 0.1;

/** That a server is what it is taken for: it answers with the user, and refuses whom it does not know. */
export const checkServer = async (address: string, { path, token }: Subject): Promise<void> => {
  const ask = async (credentials: string | null) => {
    const headers: Record<string, string> =
      credentials === null ? {} : { authorization: `Bearer ${credentials}` };
    const response = await fetch(`${address}${path}`, { headers });
    return { status: response.status, body: await response.text() };
  };

  const { status, body } = await ask(token);
  if (status !== 200) throw new Error(`The right key got ${status}: ${body}`);
  // tRPC wraps it.
  const answer = JSON.stringify(path.startsWith('/trpc') ? { result: { data: ANSWER } } : ANSWER);
  if (Math.abs(body.length / answer.length - 1) > TOLERANCE) {
    throw new Error(
      `The answer has ${body.length} bytes, not about ${answer.length}; servers/answer.ts must be as long: ${body}`,
    );
  }
  if (token === null) return;
  for (const wrong of [null, mistype(token), mintToken()]) {
    const refusal = await ask(wrong);
    if (refusal.status !== 401) throw new Error(`A wrong or missing key got ${refusal.status}, not 401.`);
  }
};
