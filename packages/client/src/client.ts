import type { AppRouter } from '@kaana/api';
import {
  createTRPCClientProxy,
  httpBatchLink,
  type TRPCClient,
  type TRPCProcedureOptions,
  TRPCUntypedClient,
} from '@trpc/client';
import { type Failure, FailureSignal, failureOf, KaanaApiError, ownFailure } from './error.ts';
import { type KaanaClientOptions, readOptions, type Settings } from './options.ts';
import { retryDelayMs } from './retry.ts';
import { sleep, type Time } from './time.ts';
import { createTransport } from './transport.ts';

/** The same as in package.json. It tells people in the admin app who uses a key. */
export const VERSION = '0.1.0';

/** nginx and others take 8 KiB for method, path and query; a batch that would be longer becomes two. */
const MAX_URL_LENGTH = 7_000;
/** 50 of the largest inputs stay well below the server's 1 MiB for a body. */
const MAX_CALLS_IN_BATCH = 50;

/** `client.projects.list.query()`, `client.keys.verify.mutate({ token })`: the server's router, typed. */
export type KaanaClient = TRPCClient<AppRouter>;

/** What `keys.verify` answers, and `keys.verifyMany` for each token. */
export type KeyVerdict = Awaited<ReturnType<KaanaClient['keys']['verify']['mutate']>>;

/**
 * One attempt, which ends with the first of: its result, `timeoutMs`, the caller's signal. It does not rely on the link
 * for that: a batch goes on as long as one of its calls is wanted, and those that are not wanted would wait along.
 */
const withinTime = <Result>(
  { startTimer }: Time,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  attempt: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> =>
  new Promise((resolve, reject) => {
    // The caller's signal may outlive thousands of calls: tRPC's listeners, which stay, go to this one.
    const controller = new AbortController();
    const release = () => {
      cancelTimer();
      signal?.removeEventListener('abort', onAbort);
    };
    const giveUp = (error: unknown) => {
      release();
      reject(error);
      controller.abort();
    };
    const onAbort = () => giveUp(signal?.reason);
    const cancelTimer = startTimer(timeoutMs, () => {
      const detail = `No whole answer within ${timeoutMs} ms.`;
      giveUp(new FailureSignal(ownFailure('timeout', 'Timeout', detail)));
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    attempt(controller.signal).then(resolve, reject).finally(release);
  });

/**
 * The link serializes a batch as a whole, and a query's in a timer of its own: what JSON cannot carry would take the other
 * calls with it there, or the process.
 */
const whyUnsendable = (input: unknown): Failure | null => {
  try {
    JSON.stringify(input);
    return null;
  } catch (error) {
    return failureOf(error);
  }
};

class Calls extends TRPCUntypedClient<AppRouter> {
  readonly #settings: Pick<Settings, 'timeoutMs' | 'retries' | 'time'>;

  constructor({ endpoint, apiKey, organization, fetch, timeoutMs, retries, time }: Settings) {
    const headers = {
      authorization: `Bearer ${apiKey}`,
      'user-agent': `kaana-client/${VERSION}`,
      ...(organization === null ? {} : { 'kaana-organization': organization }),
    };
    super({
      links: [
        httpBatchLink<AppRouter>({
          url: endpoint,
          maxURLLength: MAX_URL_LENGTH,
          maxItems: MAX_CALLS_IN_BATCH,
          // The key joins here, behind everything that could end up in an error.
          fetch: createTransport(fetch, headers, time.now),
        }),
      ],
    });
    this.#settings = { timeoutMs, retries, time };
  }

  override query(path: string, input?: unknown, options?: TRPCProcedureOptions): Promise<unknown> {
    return this.#call('query', path, input, options?.signal, (signal) =>
      super.query(path, input, { ...options, signal }),
    );
  }

  override mutation(path: string, input?: unknown, options?: TRPCProcedureOptions): Promise<unknown> {
    return this.#call('mutation', path, input, options?.signal, (signal) =>
      super.mutation(path, input, { ...options, signal }),
    );
  }

  async #call<Result>(
    type: 'query' | 'mutation',
    path: string,
    input: unknown,
    signal: AbortSignal | undefined,
    attempt: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const { timeoutMs, retries, time } = this.#settings;
    const unsendable = whyUnsendable(input);
    if (unsendable) throw new KaanaApiError(unsendable, path);
    for (let retry = 0; ; retry++) {
      signal?.throwIfAborted();
      try {
        return await withinTime(time, timeoutMs, signal, attempt);
      } catch (error) {
        signal?.throwIfAborted();
        const failure = failureOf(error);
        const delayMs = retry < retries ? retryDelayMs(type, failure, retry, time.random()) : null;
        if (delayMs === null) throw new KaanaApiError(failure, path);
        await sleep(time, delayMs, signal);
      }
    }
  }
}

/**
 * A client for one server and one key. Make one and keep it: calls of the same moment share a request.
 *
 * Throws a `TypeError` for options that cannot work. Calls reject with `KaanaApiError`, or with the reason of the signal
 * that they were given.
 */
export const createKaanaClient = (options: KaanaClientOptions): KaanaClient =>
  createTRPCClientProxy<AppRouter>(new Calls(readOptions(options)));
