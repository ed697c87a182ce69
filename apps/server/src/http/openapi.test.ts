import { appRouter, proceduresOf, restRoutes } from '@kaana/api';
import { ERRORS } from '@kaana/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem, openTestServer, type TestServer } from '../testing/index.ts';

type Schema = { [name: string]: unknown };
type Parameter = { name: string; in: 'path' | 'query'; required: boolean; schema: Schema };
type Operation = {
  operationId: string;
  summary: string;
  security?: unknown[];
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<
    string,
    { $ref?: string; description?: string; content?: Record<string, { schema: Schema }> }
  >;
};
type OpenApi = {
  openapi: string;
  info: { title: string; version: string };
  servers: { url: string }[];
  security: Record<string, unknown[]>[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    responses: Record<string, { content: Record<string, unknown>; headers: Schema }>;
    headers: Schema;
    securitySchemes: Record<string, Schema>;
  };
};

let server: TestServer;
let document: OpenApi;
let operations: { method: string; path: string; operation: Operation }[];
beforeAll(async () => {
  server = await openTestServer();
  document = (await server.app.inject('/api/openapi.json')).json<OpenApi>();
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
});
afterAll(() => server[Symbol.asyncDispose]());

/** Every value in a document, with where it stands. */
function* walk(value: unknown, at = '#'): Generator<[at: string, value: unknown]> {
  yield [at, value];
  if (typeof value !== 'object' || value === null) return;
  for (const [name, item] of Object.entries(value)) yield* walk(item, `${at}/${name}`);
}

const resolve = (reference: string): unknown =>
  reference
    .slice(2)
    .split('/')
    .reduce<unknown>((value, name) => (value as Schema | undefined)?.[name], document);

describe('the OpenAPI document', () => {
  it('is one of version 3.1 with what every tool asks for', async () => {
    const response = await server.app.inject('/api/openapi.json');
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: 'Kaana API', version: expect.stringMatching(/^\d/) });
    expect(document.security).toEqual([{ apiKey: [] }]);
    expect(document.components.securitySchemes.apiKey).toMatchObject({ type: 'http', scheme: 'bearer' });
  });

  it('names the address under which it is served, or PUBLIC_URL', async () => {
    const at = async (host: string, on: TestServer) =>
      (await on.app.inject({ url: '/api/openapi.json', headers: { host } })).json<OpenApi>().servers;
    expect(await at('127.0.0.1:3000', server)).toEqual([{ url: 'http://127.0.0.1:3000' }]);
    await using published = await openTestServer({ settings: { publicUrl: 'https://keys.example.com' } });
    expect(await at('10.0.0.1', published)).toEqual([{ url: 'https://keys.example.com' }]);
  });

  it('refers to nothing that is not in it', () => {
    let references = 0;
    for (const [at, value] of walk(document)) {
      if (typeof value !== 'object' || value === null || !('$ref' in value)) continue;
      references++;
      expect(value.$ref, at).toMatch(/^#\/components\//);
      expect(resolve(String(value.$ref)), `${at}: ${String(value.$ref)}`).toBeDefined();
    }
    expect(references).toBeGreaterThan(50);
  });

  it('contains nothing that JSON Schema does not know', () => {
    for (const [at, value] of walk(document)) {
      if (at.endsWith('/$defs') || at.endsWith('/$schema')) expect.fail(at);
      if (at.endsWith('/pattern') && typeof value === 'string')
        expect(() => new RegExp(value, 'u'), at).not.toThrow();
      if (!at.endsWith('/type') || typeof value !== 'string' || at.includes('/securitySchemes/')) continue;
      const types = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];
      if (!at.includes('/properties/type')) expect(types, at).toContain(value);
    }
  });

  it('has every route of the router once, with an id of its own', () => {
    const documented = operations.map(({ method, path }) => `${method} ${path}`).toSorted();
    expect(documented).toEqual(
      restRoutes()
        .map(({ method, path }) => `${method} /api${path}`)
        .toSorted(),
    );
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const names = proceduresOf(appRouter).map(([name]) => name);
    for (const id of ids) expect(names).toContain(id);
  });

  it('has the routes of the contract', () => {
    const routes = operations.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(routes).size).toBe(routes.length);
    expect(routes).toEqual(
      expect.arrayContaining([
        'GET /api/user',
        'GET /api/projects',
        'POST /api/projects',
        'GET /api/projects/{id}',
        'PATCH /api/projects/{id}',
        'DELETE /api/projects/{id}',
        'GET /api/keys',
        'POST /api/keys',
        'GET /api/keys/{id}',
        'PATCH /api/keys/{id}',
        'POST /api/keys/{id}/revoke',
        'POST /api/keys/{id}/rotate',
        'POST /api/keys/{id}/end-rotation',
        'POST /api/keys/{id}/cancel-rotation',
        'POST /api/keys/verify',
        'POST /api/keys/leaked',
        'GET /api/usage',
        'GET /api/usage/series',
        'GET /api/audit-events',
        'GET /api/members',
        'GET /api/organization',
      ]),
    );
  });

  it('documents what is routed, and what is routed is documented', async () => {
    for (const { method, path } of operations) {
      const url = path.replace('{id}', 'some_id');
      const response = await server.app.inject({ method: method as 'GET', url });
      // Routed: it asks for a key, or for an input, and does not say that there is nothing.
      expect([400, 401], `${method} ${path}`).toContain(response.statusCode);
    }
    for (const [path, methods] of Object.entries(document.paths)) {
      const allowed = Object.keys(methods).map((method) => method.toUpperCase());
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
        if (allowed.includes(method)) continue;
        const response = await server.app.inject({ method, url: path.replace('{id}', 'some_id') });
        expectProblem(response, 'method_not_allowed');
      }
    }
  });

  it('declares every parameter of a path, and nothing twice', () => {
    for (const { method, path, operation } of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = operation.parameters.filter((parameter) => parameter.in === 'path');
      expect(
        declared.map(({ name }) => name),
        path,
      ).toEqual(inPath);
      for (const parameter of operation.parameters) {
        expect(parameter.schema, `${path} ${parameter.name}`).not.toEqual({});
        if (parameter.in === 'path') expect(parameter.required).toBe(true);
      }
      const names = operation.parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect(new Set(names).size).toBe(names.length);
      if (method === 'GET' || method === 'DELETE') expect(operation.requestBody).toBeUndefined();
      else expect(declared).toEqual(operation.parameters);
    }
  });

  it('has descriptions for every answer, and problem details for every error', () => {
    for (const { method, path, operation } of operations) {
      const statuses = Object.keys(operation.responses);
      const succeeding = statuses.filter((status) => status.startsWith('2'));
      expect(succeeding, `${method} ${path}`).toHaveLength(1);
      expect(operation.responses[succeeding[0] ?? '']?.content?.['application/json']?.schema).toBeDefined();
      for (const status of statuses) {
        if (status.startsWith('2')) continue;
        expect(operation.responses[status]?.$ref).toBe(`#/components/responses/${status}`);
      }
      expect(statuses).toEqual(expect.arrayContaining(['429', '500', '503']));
      if (operation.security?.length !== 0) expect(statuses).toEqual(expect.arrayContaining(['401', '403']));
    }
    for (const [status, response] of Object.entries(document.components.responses)) {
      expect(Object.keys(response.content)).toEqual(['application/problem+json']);
      expect(Object.keys(response.headers)).toContain('X-Request-Id');
      if (status === '429' || status === '503')
        expect(Object.keys(response.headers)).toContain('Retry-After');
    }
  });

  it('lists every code in the schema of a problem', () => {
    const { Problem } = document.components.schemas;
    expect(Problem?.properties).toMatchObject({ code: { enum: Object.keys(ERRORS) } });
  });

  it('lets only the report of a leaked key go without one', () => {
    const open = operations.filter(({ operation }) => operation.security?.length === 0);
    expect(open.map(({ path }) => path)).toEqual(['/api/keys/leaked']);
  });
});

describe('the reference page', () => {
  it('shows every route, and brings in nothing from elsewhere', async () => {
    const response = await server.app.inject('/api/docs');
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(response.headers['content-security-policy']).toContain("default-src 'none'");
    expect(response.body).not.toMatch(/<script|src=|@import|url\(/);
    for (const { method, path } of restRoutes())
      expect(response.body).toMatch(
        new RegExp(`${method}</td><td><code>/api${path.replace(/[{}]/g, '\\$&')}<`),
      );
  });

  it('takes nothing from the Host header as markup', async () => {
    const response = await server.app.inject({
      url: '/api/docs',
      headers: { host: '"><script>alert(1)</script>' },
    });
    expect(response.body).not.toContain('<script>');
  });
});
