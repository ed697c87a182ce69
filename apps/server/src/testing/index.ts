import { createTestApi, type Tenant, type TestApi } from '@kaana/api/testing';
import { type Domain, ERRORS, type ErrorCode, type Problem, setOrganization } from '@kaana/core';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { expect } from 'vitest';
import { type AppDependencies, buildApp } from '../app.ts';

export type TestServer = AsyncDisposable & {
  readonly api: TestApi;
  readonly app: FastifyInstance;
  /** Every line that was logged. */
  readonly lines: string[];
};

export type TestServerOptions = {
  readonly settings?: Partial<AppDependencies['settings']>;
  readonly adminRoot?: string;
  readonly ping?: () => Promise<void>;
  readonly githubKeys?: AppDependencies['githubKeys'];
  readonly webhookAttempts?: NonNullable<AppDependencies['webhookAttempts']>;
  /** Stands between the app and the database. */
  readonly domain?: (api: TestApi) => Domain;
};

/** The whole HTTP side on a database of its own, without listening. */
export const openTestServer = async (options: TestServerOptions = {}): Promise<TestServer> => {
  const api = await createTestApi();
  const lines: string[] = [];
  const app = await buildApp({
    domain: options.domain?.(api) ?? api.domain,
    ping: options.ping ?? (() => api.database.ping()),
    githubKeys: options.githubKeys ?? null,
    webhookAttempts: options.webhookAttempts ?? new Map(),
    adminRoot: options.adminRoot ?? '/nonexistent',
    settings: { trustProxy: false, logLevel: 'trace', publicUrl: undefined, ...options.settings },
    log: { write: (line) => lines.push(line) },
  });
  return {
    api,
    app,
    lines,
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await api[Symbol.asyncDispose]();
    },
  };
};

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A tenant whose requests no limit refuses, for tests that send many. */
export const createBusyTenant = async (api: TestApi): Promise<Tenant> => {
  const tenant = await api.createTenant('enterprise');
  await setOrganization(api.database.stores, api.domain.keys, api.clock, tenant.organization.name, {
    requestsPerMinute: 1_000_000,
  });
  return tenant;
};

const REQUIRED = ['type', 'title', 'status', 'code', 'detail', 'requestId'];
const OPTIONAL = ['errors', 'retryAfterSeconds', 'limit'];

/** Problem details as the contract has them, wherever they stand. */
export const expectProblemShape = (problem: Problem, code: ErrorCode, requestId: unknown): void => {
  expect(problem, JSON.stringify(problem)).toMatchObject({
    ...ERRORS_ON_THE_WIRE(code),
    type: `urn:kaana:error:${code}`,
    requestId,
  });
  expect(
    Object.keys(problem).filter((field) => !REQUIRED.includes(field) && !OPTIONAL.includes(field)),
  ).toEqual([]);
  expect(problem.detail).not.toBe('');
};

const ERRORS_ON_THE_WIRE = (code: ErrorCode) => {
  const { status, title } = ERRORS[code];
  return { code, status, title };
};

/** Status, shape and headers of an error, to the letter of the contract. */
export const expectProblem = (response: LightMyRequestResponse, code: ErrorCode): Problem => {
  const { headers, statusCode } = response;
  expect(headers['content-type'], response.body).toBe('application/problem+json; charset=utf-8');
  const problem = response.json<Problem>();
  expectProblemShape(problem, code, headers['x-request-id']);
  expect(statusCode).toBe(ERRORS[code].status);
  if (statusCode === 401) expect(headers['www-authenticate']).toMatch(/^Bearer realm="[^"]+"/);
  else expect(headers['www-authenticate']).toBeUndefined();
  if (statusCode === 429 || statusCode === 503) {
    expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
    expect(problem.retryAfterSeconds).toBe(Number(headers['retry-after']));
  } else expect(headers['retry-after']).toBeUndefined();
  if (statusCode === 405) expect(headers.allow).toMatch(/^[A-Z]+(, [A-Z]+)*$/);
  return problem;
};

/** What every answer to a valid key says about its account's quota. */
export const expectRateLimit = (response: LightMyRequestResponse, limit = 100): number => {
  const { ratelimit, 'ratelimit-policy': policy } = response.headers;
  expect(policy, `${response.statusCode} ${response.body}`).toBe(`"account";q=${limit};w=60`);
  const [, remaining, reset] = /^"account";r=(\d+);t=(\d+)$/.exec(String(ratelimit)) ?? [];
  expect(Number(remaining)).toBeLessThan(limit);
  expect(Number(reset)).toBeGreaterThanOrEqual(1);
  expect(Number(reset)).toBeLessThanOrEqual(60);
  return Number(remaining);
};
