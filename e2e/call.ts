import { Agent, type IncomingHttpHeaders, request } from 'node:http';

/** One answer, read to its end. */
export type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
};

export type Call = {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Gives up after so long; only for what must not hang. */
  readonly timeoutMs?: number;
};

/** The connections of one caller: kept open and used again, as every HTTP library does. */
export const keepAlive = (): Agent => new Agent({ keepAlive: true, scheduling: 'fifo' });

/** A connection of its own for every request. */
export const fresh = new Agent({ keepAlive: false });

/**
 * One HTTP request, at far less cost than `fetch`, so that one process can keep several servers busy. Rejects with the
 * system's error where no whole answer comes.
 */
export const call = (
  agent: Agent,
  url: string,
  path: string,
  { method = 'GET', token, headers = {}, body, timeoutMs }: Call = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const sent = request(`${url}${path}`, {
      agent,
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(content === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }),
        ...headers,
      },
    });
    if (timeoutMs !== undefined) {
      sent.setTimeout(timeoutMs, () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    }
    sent.once('error', (error) => reject(Object.assign(error, { reused: sent.reusedSocket })));
    sent.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('error', reject);
      response.once('end', () => {
        // A connection that breaks in the middle of a body ends it too.
        if (!response.complete) reject(new Error(`the answer ${response.statusCode} was cut off`));
        else resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    sent.end(content);
  });

type Problem = { code?: string };

/** The problem's code, over REST or tRPC; empty where the answer is none. */
export const problemCode = ({ status, text }: Answer): string => {
  if (status < 400) return '';
  const body = JSON.parse(text) as Problem & { error?: { data: { problem: Problem } } };
  return (body.error ? body.error.data.problem : body).code ?? '';
};

/** The status, and of a problem the code: what tests compare and print. */
export const verdict = (answer: Answer): string => `${answer.status} ${problemCode(answer)}`.trim();

/** What a call without a whole answer failed with, and whether its connection had been used before. */
export const failureOf = (error: unknown): { readonly code: string; readonly reused: boolean } => {
  const { code, message, reused = false } = error as NodeJS.ErrnoException & { reused?: boolean };
  return { code: code ?? message, reused };
};
