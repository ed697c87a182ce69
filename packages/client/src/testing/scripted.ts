import { createKaanaClient, type Fetch, type KaanaClientOptions } from '../index.ts';

/** Well-formed, and no key anywhere. */
export const API_KEY = 'kaana_0123456789ABCDEFGHIJKLMNOPQRSTUV4BZKPH';
/** Unlike any back-off, so that the timers can be told apart. */
export const TIMEOUT_MS = 54_321;

export type Sent = {
  readonly url: URL;
  /** The procedures of the batch. */
  readonly calls: readonly string[];
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly signal: AbortSignal;
};
type Answer = (sent: Sent) => Response | Promise<Response>;

const envelopes = (sent: Sent, envelope: unknown) => sent.calls.map(() => envelope);

/** Each call of the batch has succeeded. */
export const success =
  (data: unknown = { data: [], nextCursor: null }): Answer =>
  (sent) =>
    Response.json(envelopes(sent, { result: { data } }));

export const problem = (status: number, code: string, extras: object = {}) => ({
  type: `urn:kaana:error:${code}`,
  title: 'A Title',
  status,
  code,
  detail: 'A sentence.',
  requestId: 'request-1',
  ...extras,
});

/** Each call of the batch has failed, as tRPC says it. */
export const refusal =
  (status: number, code: string, extras?: object): Answer =>
  (sent) => {
    const body = problem(status, code, extras);
    const error = {
      message: body.detail,
      code: -32603,
      data: { code: 'X', httpStatus: status, problem: body },
    };
    return Response.json(envelopes(sent, { error }), { status });
  };

/** An answer of something in front of the server. */
export const page =
  (status: number, headers: Record<string, string> = {}): Answer =>
  () =>
    new Response('<html>', { status, headers: { 'content-type': 'text/html', ...headers } });

/** What `fetch` throws where nobody listens. */
export const unreachable: Answer = () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
  return Promise.reject(new TypeError('fetch failed', { cause }));
};

/** Answers nothing until the request is given up. */
export const silence: Answer = ({ signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

const gate = () => {
  const waiting: (() => void)[] = [];
  return {
    open: () => {
      for (const pass of waiting.splice(0)) pass();
    },
    passed: () => new Promise<void>((pass) => waiting.push(pass)),
  };
};

/** A client whose requests are answered from a list, in time that stands still. */
export const scripted = (answers: readonly Answer[], options: Partial<KaanaClientOptions> = {}) => {
  const sent: Sent[] = [];
  const waits: number[] = [];
  const timeouts = new Set<() => void>();
  const naps = new Set<() => void>();
  const asked = gate();
  const asleep = gate();
  let wakes = true;

  const fetch: Fetch = async (address, { method, headers, body, signal }) => {
    const url = new URL(address);
    const calls = (url.pathname.split('/').at(-1) ?? '').split(',');
    const request: Sent = {
      url,
      calls,
      method,
      headers,
      body: body === undefined ? undefined : JSON.parse(body),
      signal,
    };
    const answer = answers[sent.length];
    sent.push(request);
    asked.open();
    if (!answer) throw new Error(`no answer is scripted for request ${sent.length}`);
    return answer(request);
  };

  const startTimer = (ms: number, run: () => void) => {
    const timers = ms === TIMEOUT_MS ? timeouts : naps;
    timers.add(run);
    if (timers === naps) {
      waits.push(ms);
      asleep.open();
      if (wakes) {
        queueMicrotask(() => {
          if (naps.delete(run)) run();
        });
      }
    }
    return () => {
      timers.delete(run);
    };
  };

  const client = createKaanaClient({
    url: 'http://kaana.test',
    apiKey: API_KEY,
    timeoutMs: TIMEOUT_MS,
    fetch,
    time: { now: () => Date.UTC(2026, 0, 1), random: () => 0.5, startTimer },
    ...options,
  });
  return {
    client,
    sent,
    /** Milliseconds of each wait between attempts. */
    waits,
    /** Timers that are still set. */
    pending: () => timeouts.size + naps.size,
    /** Fires the time limit of each attempt that is under way. */
    expire: () => {
      for (const run of [...timeouts]) run();
    },
    /** From now on the waits between attempts do not end. */
    sleepForever: () => {
      wakes = false;
    },
    /** The next request has been sent. */
    nextRequest: asked.passed,
    /** The next wait between attempts has begun. */
    nextWait: asleep.passed,
  };
};
