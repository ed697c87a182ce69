import { inspect } from 'node:util';
import { mintToken } from '@kaana/api-key';
import { describe, expect, it } from 'vitest';
import { createKaanaClient, type Fetch, type KaanaApiError } from './index.ts';
import { failureOfCall } from './testing/failures.ts';
import { API_KEY, page, problem, refusal, scripted, success, unreachable } from './testing/scripted.ts';

const everythingOf = (value: unknown): string =>
  [
    inspect(value, { depth: null, showHidden: true, showProxy: true, getters: true }),
    String(value),
    JSON.stringify(value),
    value instanceof Error ? `${value.stack} ${inspect(value.cause, { depth: null })}` : '',
  ].join('\n');

describe('what is not an answer of tRPC’s', () => {
  it('is a problem all the same, where the server refuses before it comes to tRPC', async () => {
    const body = problem(413, 'payload_too_large');
    const { client } = scripted([() => Response.json(body, { status: 413 })]);
    expect(await failureOfCall(client.user.me.query())).toMatchObject({
      status: 413,
      code: 'payload_too_large',
      requestId: 'request-1',
    });
  });

  it('keeps the status and the request id of a gateway', async () => {
    const { client } = scripted([page(403, { 'x-request-id': 'edge-7' })]);
    expect(await failureOfCall(client.user.me.query())).toMatchObject({
      status: 403,
      code: 'unexpected_response',
      title: 'Unexpected Response',
      requestId: 'edge-7',
    });
  });

  it('is no redirect to follow: the key goes to one address', async () => {
    const { client, sent } = scripted([page(301, { location: 'http://elsewhere.test/' })]);
    const error = await failureOfCall(client.user.me.query());
    expect(error).toMatchObject({ status: 301, code: 'unexpected_response' });
    expect(error.detail).toContain('redirects');
    expect(sent).toHaveLength(1);
  });

  it.each([
    ['JSON of something else', { hello: 'world' }],
    ['a success for nobody', { result: { data: 1 } }],
    ['no JSON object', null],
    ['fewer answers than questions', []],
    ['more answers than questions', [{ result: { data: 1 } }, { result: { data: 2 } }]],
    ['a list of something else', ['x']],
    ['a problem with a status of success', problem(200, 'not_found')],
  ])('is refused: %s', async (_name, body) => {
    const { client } = scripted([() => Response.json(body)]);
    expect(await failureOfCall(client.user.me.query())).toMatchObject({
      status: 200,
      code: 'unexpected_response',
    });
  });

  it('may be one error of tRPC’s for the whole batch', async () => {
    const error = { message: 'm', code: -1, data: { problem: problem(400, 'invalid_input') } };
    const { client } = scripted([() => Response.json({ error }, { status: 400 })]);
    const failures = await Promise.all([
      failureOfCall(client.user.me.query()),
      failureOfCall(client.projects.list.query()),
    ]);
    expect(failures.map(({ code }) => code)).toEqual(['invalid_input', 'invalid_input']);
  });

  it('may be an error of tRPC’s without a problem', async () => {
    const error = { message: 'm', code: -32603, data: { httpStatus: 500 } };
    const { client } = scripted([() => Response.json([{ error }], { status: 500 })]);
    expect(await failureOfCall(client.user.me.query())).toMatchObject({
      status: 500,
      code: 'unexpected_response',
      detail: 'm',
    });
  });
});

describe('what cannot be sent', () => {
  it('fails alone, and not with the calls beside it or with the process', async () => {
    const { client, sent } = scripted([success('query'), success('mutation')]);
    const circular: { name: string; self?: unknown } = { name: 'Atlas' };
    circular.self = circular;
    const [query, failedQuery, mutation, failedMutation] = await Promise.all([
      client.projects.list.query(),
      failureOfCall(client.projects.list.query(circular as never)),
      client.projects.create.mutate({ name: 'Atlas' }),
      failureOfCall(client.projects.create.mutate(circular)),
    ]);
    expect([query, mutation]).toEqual(['query', 'mutation']);
    expect(failedQuery).toMatchObject({ status: null, code: 'invalid_input' });
    expect(failedMutation).toMatchObject({ status: null, code: 'invalid_input' });
    expect(sent.map(({ calls }) => calls.length)).toEqual([1, 1]);
  });

  it('is a query that no URL holds', async () => {
    const { client, sent } = scripted([]);
    const error = await failureOfCall(client.projects.get.query({ id: 'x'.repeat(8_000) }));
    expect(error).toMatchObject({ status: null, code: 'invalid_input' });
    expect(sent).toHaveLength(0);
  });
});

describe('secrets', () => {
  const caller = mintToken();

  /** As clients with interceptors do: the error carries the request, and its text the headers. */
  const talkative: Fetch = (url, init) => {
    const text = `${url} ${JSON.stringify(init)}`;
    const cause = Object.assign(new Error(text), { config: init });
    return Promise.reject(Object.assign(new Error(text, { cause }), { request: init }));
  };
  /** A server or gateway that repeats what it was sent. */
  const echo: Fetch = async (_url, init) => {
    const text = `${JSON.stringify(init.headers)} ${init.body}`;
    const body = problem(400, 'invalid_input', {
      detail: text,
      title: text,
      requestId: text,
      errors: [{ path: text, message: text }],
    });
    return Response.json([{ error: { message: text, code: -32600, data: { problem: body } } }], {
      status: 400,
      headers: { 'x-request-id': caller },
    });
  };

  const failures: [string, () => Promise<KaanaApiError>][] = [
    [
      'unreachable',
      () => failureOfCall(scripted([unreachable]).client.keys.verify.mutate({ token: caller })),
    ],
    ['a refusal', () => failureOfCall(scripted([refusal(401, 'key_unknown')]).client.user.me.query())],
    ['a page', () => failureOfCall(scripted([page(500)]).client.keys.verify.mutate({ token: caller }))],
    ...[talkative, echo].map((fetch): [string, () => Promise<KaanaApiError>] => [
      fetch === echo ? 'an echo' : 'a talkative fetch',
      () => failureOfCall(scripted([], { fetch }).client.keys.verify.mutate({ token: caller })),
    ]),
  ];
  it.each(failures)('are not in the error: %s', async (_name, call) => {
    const error = await call();
    const everything = everythingOf(error);
    expect(everything).not.toContain(API_KEY);
    expect(everything).not.toContain(caller);
    expect(error.cause).toBeUndefined();
  });

  it('are not in the error when time runs out', async () => {
    const { client, expire, nextRequest } = scripted([() => new Promise<never>(() => {})]);
    const asked = nextRequest();
    const failure = failureOfCall(client.keys.verify.mutate({ token: caller }));
    await asked;
    expire();
    const everything = everythingOf(await failure);
    expect(everything).not.toContain(API_KEY);
    expect(everything).not.toContain(caller);
  });

  it('are not in the client itself', () => {
    const client = createKaanaClient({ url: 'http://kaana.test', apiKey: API_KEY });
    const untyped = client[Symbol.for('trpc_untypedClient') as keyof typeof client];
    const shown = { depth: null, showHidden: true, showProxy: true, getters: true };
    expect(inspect([client, untyped], shown)).not.toContain(API_KEY);
    expect(JSON.stringify(untyped)).not.toContain(API_KEY);
  });

  it('are sent in one header, and not in the address', async () => {
    const { client, sent } = scripted([success(), success()], { organization: 'Acme' });
    await client.projects.list.query();
    await client.keys.verify.mutate({ token: caller });
    for (const { url, headers } of sent) {
      const { authorization, ...others } = headers;
      expect(authorization).toBe(`Bearer ${API_KEY}`);
      expect(others['kaana-organization']).toBe('Acme');
      expect(url.href + JSON.stringify(others)).not.toContain('kaana_');
    }
  });
});
