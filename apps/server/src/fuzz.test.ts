import { once } from 'node:events';
import { connect } from 'node:net';
import { appRouter, openApiDocument, proceduresOf, restRoutes } from '@kaana/api';
import { ERRORS } from '@kaana/core';
import fc from 'fast-check';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bearer, createBusyTenant, openTestServer, type TestServer } from './testing/index.ts';

/** No bytes in a header, path, query or body give a 5xx, a hang or a crash. */

let server: TestServer;
let port: number;
let token: string;
/** Things of the caller's own, so that what is sent also reaches what exists. */
let ids: string[];
beforeAll(async () => {
  server = await openTestServer({ settings: { trustProxy: true, logLevel: 'error' } });
  const { as, accounts, organization } = await createBusyTenant(server.api);
  token = (await as.admin.keys.create({ name: 'caller' })).token;
  const { key } = await as.admin.keys.create({ name: 'k' });
  const project = await as.admin.projects.create({ name: 'p' });
  ids = [key.id, project.id, accounts.viewer.id, organization.id];
  // A client here says at once that it has sent all; it is answered all the same, and the server then ends.
  Object.assign(server.app.server, { httpAllowHalfOpen: true });
  const address = new URL(await server.app.listen({ port: 0, host: '127.0.0.1' }));
  port = Number(address.port);
});
afterAll(() => server[Symbol.asyncDispose]());

const KNOWN = new Set<number>(Object.values(ERRORS).map(({ status }) => status));
/** 503 is an answer of a store or of a full queue; nothing that is sent here makes either. */
const expectHarmless = (status: number, sent: unknown): void => {
  expect(status, `${JSON.stringify(sent)}\n${server.lines.slice(-1).join('')}`).toBeLessThan(500);
  if (status >= 400) expect(KNOWN, `${status} ${JSON.stringify(sent)}`).toContain(status);
};

// ---- JSON inputs, through the whole HTTP side

type JsonSchema = {
  type?: string;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  format?: string;
};

const SPECIAL = [
  '',
  ' ',
  '\0',
  '\ud800',
  '\udfff\ud800',
  '__proto__',
  'constructor',
  '$where',
  '$ne',
  'a.b',
  '..',
  '%00',
  '\r\nX: y',
  '🔑',
  'x'.repeat(65),
  'x'.repeat(3_000),
  'İ'.repeat(40),
  '9999-12-31T23:59:59-23:59',
  '0000-01-01T00:00:00+23:59',
  '2026-01-01T00:00:00Z',
  '9998-12-31T23:59:59.999999999Z',
  '::1',
  'fe80::1%eth0',
  '1.2.3.4/0',
  '::ffff:0:0/96',
  '-0',
  '1e999',
];

const text = () =>
  fc.oneof(
    fc.constantFrom(...SPECIAL),
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom(...ids),
  );
const anything = () =>
  fc.oneof(
    { weight: 3, arbitrary: text() },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(null, 0, -1, 1e308, 2 ** 53, [], {}, [[[]]], true) },
  );

/** What fits a schema, more or less: half of the fields are right, so that the input often gets past the contract. */
const fitting = (schema: JsonSchema): fc.Arbitrary<unknown> => {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(fitting));
  switch (schema.type) {
    case 'object': {
      const fields = Object.entries(schema.properties ?? {}).map(
        ([name, property]) =>
          [
            name,
            fc.oneof({ weight: 4, arbitrary: fitting(property) }, { weight: 1, arbitrary: anything() }),
          ] as const,
      );
      return fc.record(Object.fromEntries(fields), { requiredKeys: schema.required ?? [] });
    }
    case 'array':
      return fc.array(fitting(schema.items ?? {}), { maxLength: 4 });
    case 'integer':
    case 'number':
      return fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer());
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      if (schema.format === 'date-time') {
        return fc.oneof(
          fc
            .date({ noInvalidDate: true, min: new Date(0), max: new Date('9998-12-31') })
            .map((at) => at.toISOString()),
          text(),
        );
      }
      if (schema.format === 'ipv4') return fc.ipV4();
      if (schema.format === 'ipv6') return fc.ipV6();
      return fc.oneof(text(), fc.constantFrom(...ids));
  }
};

type Documented = { paths: Record<string, Record<string, { responses: object }>> };
const { paths } = openApiDocument('http://x', '0') as unknown as Documented;
const documented = (method: string, path: string): string[] =>
  Object.keys(paths[`/api${path}`]?.[method.toLowerCase()]?.responses ?? {});

const inputFor = (input: z.ZodType | null | undefined): fc.Arbitrary<unknown> => {
  const schema = (input ? z.toJSONSchema(input, { io: 'input' }) : {}) as JsonSchema;
  return fc.oneof(
    { weight: 5, arbitrary: input ? fitting(schema) : anything() },
    { weight: 1, arbitrary: anything() },
  );
};

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};

/** As `encodeURIComponent`, which throws at lone surrogates. */
const encode = (value: unknown): string =>
  encodeURIComponent(
    Buffer.from(typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toString(),
  );

const RUNS = { numRuns: 15 };
const json = { 'content-type': 'application/json' };

describe('whatever the input is', () => {
  it.each(restRoutes().map((route) => [`${route.method} /api${route.path}`, route] as const))(
    '%s',
    async (_name, route) => {
      const { method, path, parameters, input } = route;
      await fc.assert(
        fc.asyncProperty(inputFor(input), async (given) => {
          const fields = asRecord(given);
          const url = parameters.reduce(
            (address, name) => address.replace(`{${name}}`, encode(fields[name] ?? 'x') || 'x'),
            `/api${path}`,
          );
          const readsBody = method === 'POST' || method === 'PATCH';
          const search = Object.entries(fields)
            .filter(([name]) => !parameters.includes(name))
            .map(([name, value]) => `${encode(name)}=${encode(value)}`)
            .join('&');
          const body =
            typeof given === 'object' && given !== null && !Array.isArray(given)
              ? Object.fromEntries(Object.entries(given).filter(([name]) => !parameters.includes(name)))
              : given;
          const response: LightMyRequestResponse = await server.app.inject({
            method,
            url: readsBody ? url : `${url}?${search}`,
            headers: { ...bearer(token), ...json },
            remoteAddress: '203.0.113.1',
            ...(readsBody ? { payload: JSON.stringify(body) ?? '' } : {}),
          });
          expectHarmless(response.statusCode, { url, search, body });
          expect(documented(method, path), `${response.statusCode} ${response.body}`).toContain(
            String(response.statusCode),
          );
          expect(response.body).not.toContain('node_modules');
        }),
        RUNS,
      );
    },
  );

  it.each(proceduresOf(appRouter).map(([name, definition]) => [name, definition] as const))(
    'trpc %s',
    async (name, definition) => {
      await fc.assert(
        fc.asyncProperty(inputFor(definition.inputs[0]), async (given) => {
          const payload = JSON.stringify(given) ?? '';
          const request: InjectOptions =
            definition.type === 'query'
              ? { url: `/trpc/${name}?input=${encode(payload)}`, headers: bearer(token) }
              : { method: 'POST', url: `/trpc/${name}`, headers: { ...bearer(token), ...json }, payload };
          const response = await server.app.inject({ ...request, remoteAddress: '203.0.113.2' });
          expectHarmless(response.statusCode, { name, payload });
          expect(response.body).not.toContain('node_modules');
        }),
        RUNS,
      );
    },
  );

  it('JSON nested as deep as a body can be', async () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    const objects = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    for (const value of [
      deep,
      objects,
      `{"name":"x","description":${deep}}`,
      `{"name":"x","__proto__":${objects}}`,
    ]) {
      for (const url of ['/api/projects', '/trpc/projects.create']) {
        const headers = { ...bearer(token), ...json };
        const response = await server.app.inject({ method: 'POST', url, headers, payload: value });
        expectHarmless(response.statusCode, { url, length: value.length });
      }
    }
  });
});

// ---- bytes, through a real socket

type Answer = { readonly status: number; readonly head: string; readonly body: string };

/** Sends bytes as they are and reads until the server ends the connection, or has answered to the last of them. */
const exchange = async (bytes: Buffer): Promise<Answer[]> => {
  const socket = connect(port, '127.0.0.1');
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  // The server may end a connection while we still write to it.
  socket.on('error', () => {});
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  socket.end(bytes);
  await closed;
  return answersOf(received.toString('latin1'));
};

const answersOf = (received: string): Answer[] => {
  const starts = [...received.matchAll(/HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n/g)];
  return starts.map(({ index, 1: status }, number) => {
    const whole = received.slice(index, starts[number + 1]?.index);
    const split = whole.indexOf('\r\n\r\n');
    return { status: Number(status), head: whole.slice(0, split), body: whole.slice(split + 4) };
  });
};

const expectHarmlessAnswers = (answers: readonly Answer[], sent: Buffer): void => {
  const shown = sent.subarray(0, 300).toString('latin1');
  for (const { status, head } of answers) {
    if (status === 100) continue;
    expectHarmless(status, shown);
    expect(head.toLowerCase(), `${head}\n${shown}`).toContain('x-request-id: ');
  }
};

const stillServes = async (): Promise<void> => {
  const [answer] = await exchange(
    Buffer.from(
      `GET /api/user HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    ),
  );
  expect(answer?.status).toBe(200);
};

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const lineBytes = (maxLength: number) =>
  bytes(maxLength).map((buffer) => Buffer.from(buffer.filter((byte) => byte !== 10 && byte !== 13)));
const join = (...parts: (string | Buffer)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));

describe('whatever the bytes are', () => {
  const check = async (arbitrary: fc.Arbitrary<Buffer>, numRuns = 40) => {
    await fc.assert(
      fc.asyncProperty(arbitrary, async (sent) => {
        expectHarmlessAnswers(await exchange(sent), sent);
      }),
      { numRuns },
    );
    await stillServes();
  };

  it('in place of a request', () => check(bytes(300)));

  it('in a path or a query', () =>
    check(
      fc
        .tuple(
          fc.constantFrom('GET', 'POST', 'PUT', 'PROPFIND', 'OPTIONS'),
          fc.constantFrom(
            '/',
            '/api/',
            '/api/projects/',
            '/api/projects?',
            '/trpc/',
            '/trpc/projects.list?input=',
          ),
          lineBytes(40),
        )
        .map(([method, prefix, rest]) =>
          join(
            `${method} ${prefix}`,
            rest,
            ` HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
          ),
        ),
    ));

  it('percent-encoded in a path or a query', () =>
    check(
      fc
        .tuple(
          fc.constantFrom(
            '/',
            '/api/projects/',
            '/api/projects?cursor=',
            '/api/keys?',
            '/trpc/',
            '/trpc/projects.get?input=',
          ),
          bytes(20),
        )
        .map(([prefix, rest]) => {
          const encoded = [...rest].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
          return join(
            `GET ${prefix}${encoded} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
          );
        }),
    ));

  it.each([
    'Authorization',
    'Cookie',
    'Host',
    'X-Request-Id',
    'Kaana-Organization',
    'User-Agent',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
    'Content-Type',
    'Content-Length',
    'Transfer-Encoding',
    'Accept',
    'Trpc-Accept',
    'Origin',
    'Expect',
    'Upgrade',
    'Connection',
  ])('in the header %s', (name) =>
    check(
      fc
        .tuple(
          fc.constantFrom(
            'GET /api/user',
            'GET /trpc/user.me',
            'POST /api/projects',
            'POST /trpc/projects.create',
            'GET /api/openapi.json',
          ),
          fc.oneof(
            lineBytes(40),
            fc
              .constantFrom(
                '',
                ',',
                ';',
                '"',
                '100-continue',
                'websocket',
                'chunked',
                'application/json',
                'x'.repeat(1000),
              )
              .map((value) => Buffer.from(value)),
          ),
        )
        .map(([line, value]) => {
          const others = [
            ...(name === 'Host' ? [] : ['Host: x']),
            ...(name === 'Authorization' ? [] : [`Authorization: Bearer ${token}`]),
            ...(name === 'Content-Length' || name === 'Transfer-Encoding' ? [] : ['Content-Length: 2']),
            ...(name === 'Content-Type' ? [] : ['Content-Type: application/json']),
            ...(name === 'Connection' || name === 'Upgrade' ? [] : ['Connection: close']),
          ];
          return join(`${line} HTTP/1.1\r\n${others.join('\r\n')}\r\n${name}: `, value, '\r\n\r\n{}');
        }),
      15,
    ),
  );

  it('in a body, of whatever length it is said to be', () =>
    check(
      fc
        .tuple(
          fc.constantFrom('/api/projects', '/trpc/projects.create', '/api/keys/leaked'),
          bytes(100),
          fc.integer({ min: -3, max: 3 }),
        )
        .map(([path, body, off]) =>
          join(
            `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length + off}\r\nConnection: close\r\n\r\n`,
            body,
          ),
        ),
    ));

  it('in chunks', () =>
    check(
      fc
        .tuple(
          fc.constantFrom('/api/projects', '/trpc/projects.create'),
          fc.array(
            fc.tuple(
              fc.constantFrom('', '0', '1', 'ffffffffffffffff', '-1', 'g', '2;ext=1', '0x2'),
              bytes(6),
            ),
            { maxLength: 4 },
          ),
        )
        .map(([path, chunks]) =>
          join(
            `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`,
            ...chunks.flatMap(([size, data]) => [`${size}\r\n`, data, '\r\n']),
          ),
        ),
    ));

  it.each([
    ['no Host', 'GET /api/user HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', 'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n', null],
    ['HTTP/1.0', 'GET /healthz HTTP/1.0\r\n\r\n', 200],
    ['HTTP/2 without TLS', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    [
      'an absolute address',
      'GET http://other/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      null,
    ],
    ['no address', 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', null],
    [
      'a line break in a header',
      'GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\nConnection: close\r\n\r\n',
      null,
    ],
    ['a NUL in a header', 'GET /healthz HTTP/1.1\r\nHost: x\r\nA: \0\r\nConnection: close\r\n\r\n', 400],
    [
      'a header as large as nobody sends',
      `GET /healthz HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(100_000)}\r\n\r\n`,
      400,
    ],
    [
      'a thousand headers',
      `GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${'A: b\r\n'.repeat(1_500)}\r\n`,
      null,
    ],
    [
      'an address as long as nobody sends',
      `GET /api/${'x'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      400,
    ],
    [
      'a parameter longer than any id',
      `GET /api/projects/${'x'.repeat(8_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      null,
    ],
    [
      'an expectation that nobody knows',
      'GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nConnection: close\r\n\r\n',
      null,
    ],
    [
      'both lengths',
      'POST /api/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    [
      'an upgrade',
      'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      200,
    ],
    ['a method that nobody knows', 'BREW /api/user HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    [
      'a method that nobody uses',
      'PROPFIND /api/user HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      null,
    ],
    ['half a request', 'POST /api/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"na', null],
    ['half a header', 'GET /api/user HTTP/1.1\r\nHos', null],
    ['nothing', '', null],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', null],
    ['a tunnel', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n', null],
  ])('%s', async (_name, sent, status) => {
    const answers = await exchange(Buffer.from(sent, 'latin1'));
    expectHarmlessAnswers(answers, Buffer.from(sent, 'latin1'));
    if (status !== null) expect(answers.map((answer) => answer.status)).toEqual([status]);
    for (const answer of answers)
      if (answer.status >= 400) expect(answer.head.toLowerCase()).toContain('application/problem+json');
    await stillServes();
  });

  it('no end of a request is waited for without end', () => {
    expect(server.app.server.requestTimeout).toBeGreaterThan(0);
    expect(server.app.server.headersTimeout).toBeGreaterThan(0);
  });

  it('several requests on one connection are each answered, in order', async () => {
    const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const answers = await exchange(
      Buffer.from(`${request('/healthz')}${request('/api/user')}${request('/%zz')}${request('/healthz')}`),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 400, 200]);
    expectHarmlessAnswers(answers, Buffer.alloc(0));
  });
});
