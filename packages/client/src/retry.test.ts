import { describe, expect, it } from 'vitest';
import { type Failure, ownFailure } from './error.ts';
import { MAX_RETRY_AFTER_SECONDS, retryDelayMs } from './retry.ts';
import { failureOfCall } from './testing/failures.ts';
import { page, refusal, scripted, silence, success, unreachable } from './testing/scripted.ts';
import { retryAfterOf } from './transport.ts';

const overloaded = refusal(503, 'overloaded', { retryAfterSeconds: 1 });
const storeUnavailable = refusal(503, 'store_unavailable', { retryAfterSeconds: 1 });
const limited = refusal(429, 'rate_limited', { retryAfterSeconds: 7 });

describe('a query', () => {
  it.each([
    ['overloaded', overloaded],
    ['store_unavailable', storeUnavailable],
    ['rate_limited', limited],
    ['a network error', unreachable],
    ['a gateway’s 502', page(502)],
    ['a gateway’s 503', page(503)],
    ['a gateway’s 504', page(504)],
  ])('is asked again after %s', async (_name, failure) => {
    const { client, sent, waits, pending } = scripted([failure, failure, success('done')]);
    expect(await client.projects.list.query()).toBe('done');
    expect(sent).toHaveLength(3);
    expect(waits).toHaveLength(2);
    expect(pending()).toBe(0);
  });

  it.each([
    ['a mistake', refusal(400, 'invalid_input')],
    ['a revoked key', refusal(401, 'key_revoked')],
    ['an internal error', refusal(500, 'internal')],
    ['a page that is not Kaana’s', page(200)],
    ['a redirect', page(302, { location: 'http://elsewhere.test/' })],
  ])('is not asked again after %s', async (_name, failure) => {
    const { client, sent } = scripted([failure]);
    await failureOfCall(client.projects.list.query());
    expect(sent).toHaveLength(1);
  });

  it('gives up after its retries, with the last failure', async () => {
    const { client, sent } = scripted([unreachable, unreachable, overloaded]);
    expect(await failureOfCall(client.projects.list.query())).toMatchObject({ code: 'overloaded' });
    expect(sent).toHaveLength(3);
  });

  it('is asked once with retries: 0', async () => {
    const { client, sent } = scripted([overloaded], { retries: 0 });
    await failureOfCall(client.projects.list.query());
    expect(sent).toHaveLength(1);
  });

  it('asks again only for the calls of a batch that failed', async () => {
    const { client, sent } = scripted([
      async (request) => {
        const [good] = (await (await success('done')(request)).json()) as unknown[];
        const [bad] = (await (await overloaded(request)).json()) as unknown[];
        return Response.json([good, bad], { status: 207 });
      },
      success('later'),
    ]);
    const outcomes = await Promise.all([client.projects.list.query(), client.user.me.query()]);
    expect(outcomes).toEqual(['done', 'later']);
    expect(sent.map(({ calls }) => calls)).toEqual([['projects.list', 'user.me'], ['user.me']]);
  });
});

describe('a mutation', () => {
  it.each([
    ['rate_limited', limited],
    ['overloaded', overloaded],
  ])('is repeated after %s, where nothing was done', async (_name, failure) => {
    const { client, sent } = scripted([failure, success('done')]);
    expect(await client.projects.create.mutate({ name: 'Atlas' })).toBe('done');
    expect(sent.map(({ body }) => body)).toEqual([{ 0: { name: 'Atlas' } }, { 0: { name: 'Atlas' } }]);
  });

  it.each([
    ['store_unavailable', storeUnavailable],
    ['a network error', unreachable],
    ['a gateway’s 503', page(503)],
    ['a gateway’s 502', page(502)],
    ['an internal error', refusal(500, 'internal')],
  ])('is not repeated after %s, where it may have happened', async (_name, failure) => {
    const { client, sent } = scripted([failure]);
    await failureOfCall(client.projects.create.mutate({ name: 'Atlas' }));
    expect(sent).toHaveLength(1);
  });
});

describe('the wait', () => {
  it('is drawn from a range that doubles, and honours Retry-After', async () => {
    const { client, waits } = scripted([unreachable, unreachable, limited, success()], { retries: 3 });
    await client.projects.list.query();
    expect(waits).toEqual([50, 100, 7_200]);
  });

  it('honours the header of a gateway', async () => {
    const { client, waits } = scripted([page(503, { 'retry-after': '3' }), success()]);
    await client.projects.list.query();
    expect(waits).toEqual([3_050]);
  });

  it('is not begun where the server asks for more than a caller can be held', async () => {
    const { client, sent } = scripted([refusal(429, 'rate_limited', { retryAfterSeconds: 31 })]);
    expect(await failureOfCall(client.projects.list.query())).toMatchObject({ retryAfterSeconds: 31 });
    expect(sent).toHaveLength(1);
  });

  it('never ends before Retry-After, nor long after, whatever is drawn', () => {
    const failure: Failure = { ...ownFailure('overloaded', '', ''), status: 503 };
    for (const retryAfterSeconds of [null, 0, 1, MAX_RETRY_AFTER_SECONDS]) {
      for (let retry = 0; retry < 10; retry++) {
        for (const random of [0, 0.5, 0.999]) {
          const delay = retryDelayMs('mutation', { ...failure, retryAfterSeconds }, retry, random);
          const least = (retryAfterSeconds ?? 0) * 1000;
          expect(delay).toBeGreaterThanOrEqual(least);
          expect(delay).toBeLessThan(least + 5_000);
        }
      }
    }
  });

  it('reads Retry-After as seconds or as a date', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(retryAfterOf('120', now)).toBe(120);
    expect(retryAfterOf('Thu, 01 Jan 2026 00:00:05 GMT', now)).toBe(5);
    expect(retryAfterOf('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
    for (const nonsense of [null, '', '-1', '1.5', 'soon', '99999999999']) {
      expect(retryAfterOf(nonsense, now)).toBeNull();
    }
  });
});

describe('a time limit', () => {
  it('ends the attempt and the call, also a query: its caller has waited long enough', async () => {
    const { client, sent, expire, nextRequest, pending } = scripted([silence]);
    const asked = nextRequest();
    const failure = failureOfCall(client.projects.list.query());
    await asked;
    expire();
    expect(await failure).toMatchObject({ status: null, code: 'timeout', title: 'Timeout' });
    expect(sent).toHaveLength(1);
    expect(sent[0]?.signal.aborted).toBe(true);
    expect(pending()).toBe(0);
  });

  it('covers the body of the answer', async () => {
    const endless = () => new Response(new ReadableStream());
    const { client, expire, nextRequest } = scripted([endless]);
    const asked = nextRequest();
    const failure = failureOfCall(client.projects.create.mutate({ name: 'Atlas' }));
    await asked;
    expire();
    expect(await failure).toMatchObject({ code: 'timeout' });
  });

  it('is set anew for each attempt, and left behind by none', async () => {
    const { client, pending } = scripted([unreachable, unreachable, success()]);
    await client.projects.list.query();
    expect(pending()).toBe(0);
  });
});

describe('a signal', () => {
  it('that has aborted sends nothing', async () => {
    const { client, sent } = scripted([]);
    const signal = AbortSignal.abort(new Error('not wanted'));
    await expect(client.projects.list.query({}, { signal })).rejects.toThrow('not wanted');
    expect(sent).toHaveLength(0);
  });

  it('ends the request, and the call with its own reason', async () => {
    const { client, sent, nextRequest, pending } = scripted([silence]);
    const controller = new AbortController();
    const asked = nextRequest();
    const call = client.projects.list.query({}, { signal: controller.signal });
    await asked;
    const reason = new Error('the visitor has left');
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(sent[0]?.signal.aborted).toBe(true);
    expect(pending()).toBe(0);
  });

  it('ends a wait between attempts', async () => {
    const { client, sent, nextWait, sleepForever, pending } = scripted([unreachable]);
    sleepForever();
    const controller = new AbortController();
    const asleep = nextWait();
    const call = client.projects.list.query({}, { signal: controller.signal });
    await asleep;
    controller.abort();
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    expect(sent).toHaveLength(1);
    expect(pending()).toBe(0);
  });

  it('ends its own call of a batch alone', async () => {
    let answer = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const { client, sent, nextRequest } = scripted([(request) => held.then(() => success('done')(request))]);
    const controller = new AbortController();
    const asked = nextRequest();
    const wanted = client.projects.list.query();
    const unwanted = client.user.me.query(undefined, { signal: controller.signal });
    await asked;
    controller.abort();
    await expect(unwanted).rejects.toMatchObject({ name: 'AbortError' });
    expect(sent[0]?.signal.aborted).toBe(false);
    answer();
    expect(await wanted).toBe('done');
  });

  it('that outlives its calls keeps no listener of theirs', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...parameters: Parameters<typeof add>) => {
      listeners++;
      add(...parameters);
    };
    signal.removeEventListener = (...parameters: Parameters<typeof remove>) => {
      listeners--;
      remove(...parameters);
    };
    const { client } = scripted([unreachable, success()]);
    await client.projects.list.query({}, { signal });
    expect(listeners).toBe(0);
  });
});
