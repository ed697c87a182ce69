import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { mintToken } from '@kaana/api-key';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { VERSION } from './client.ts';
import { openListeningServer } from './testing/server.ts';

const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));
const repository = dirname(dirname(packageRoot));

/** As much of Express's types as the README's example needs: Express is not among our dependencies. */
const EXPRESS = `declare module 'express' {
  export type Request = { get(name: string): string | undefined; ip: string | undefined };
  export type Response = {
    set(name: string, value: string): Response;
    status(code: number): Response;
    json(body: unknown): Response;
  };
  export type NextFunction = (error?: unknown) => void;
}`;

let consumer: string;
beforeAll(async () => {
  consumer = await mkdtemp(join(tmpdir(), 'kaana-consumer-'));
  await symlink(join(repository, 'node_modules'), join(consumer, 'node_modules'));
  await writeFile(join(consumer, 'package.json'), '{ "type": "module" }');
  await writeFile(join(consumer, 'express-types.d.ts'), EXPRESS);
  await mkdir(join(consumer, 'small'));
  await writeFile(
    join(consumer, 'small', 'index.ts'),
    `import { createKaanaClient } from '@kaana/client';
export const client = createKaanaClient({ url: 'http://kaana.test', apiKey: process.env.KEY });`,
  );
  const settings = JSON.stringify({ extends: join(repository, 'tooling', 'tsconfig', 'base.json') });
  await writeFile(join(consumer, 'tsconfig.json'), settings);
  await writeFile(join(consumer, 'small', 'tsconfig.json'), settings);
  const readme = await readFile(join(packageRoot, 'README.md'), 'utf8');
  for (const [, name = '', code = ''] of readme.matchAll(/```ts\n\/\/ (\w+\.ts)\n(.*?)```/gs)) {
    await writeFile(join(consumer, name), code);
  }
});
afterAll(() => rm(consumer, { recursive: true, force: true }));

const typeCheck = (folder: string, ...flags: string[]) =>
  new Promise<string>((resolve, reject) => {
    const tsc = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
    execFile(process.execPath, [tsc, '-p', folder, ...flags], { maxBuffer: 2 ** 24 }, (error, stdout) =>
      error ? reject(new Error(stdout || error.message)) : resolve(stdout),
    );
  });

describe('the package', () => {
  it('shows a consumer no types of the server, nor of the database', async () => {
    const files = await typeCheck(join(consumer, 'small'), '--listFiles');
    expect(files).toContain('@trpc/client');
    expect(files).toContain('packages/api/src/root.ts');
    expect(files).not.toMatch(/node_modules\/(@fastify|fastify|mongoose|mongodb|bson|@types\/express)\//);
    expect(files).not.toMatch(/packages\/(db|embedded-mongo)|apps\//);
  });

  it('needs nothing of the API at run time but its types', async () => {
    const out = join(consumer, 'dist');
    const listed = await typeCheck(
      join(packageRoot, 'tsconfig.build.json'),
      ...['--outDir', out, '--customConditions', '@kaana/source', '--listEmittedFiles'],
    );
    const emitted = [...listed.matchAll(/^TSFILE: +(.+\.js)$/gm)].map(([, path = '']) => path);
    expect(emitted.length).toBeGreaterThan(5);
    const imported = new Set<string>();
    for (const path of emitted) {
      const code = await readFile(path, 'utf8');
      for (const [, name = ''] of code.matchAll(/(?:from|import) '([^']+)'/g)) imported.add(name);
    }
    const packages = [...imported].filter((name) => !name.startsWith('.')).sort();
    expect(packages).toEqual(['@kaana/api-key', '@trpc/client']);
  });

  it('sends its own version', async () => {
    const { version } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(VERSION).toBe(version);
  });
});

describe('the README', () => {
  it('has examples that type-check', () => typeCheck(consumer));

  it('has examples that do what it says', async () => {
    await using server = await openListeningServer();
    const tenant = await server.api.createTenant();
    const { as } = tenant;
    const service = await as.admin.keys.create({ name: 'gateway', scopes: ['keys:verify'] });
    process.env.KAANA_URL = server.url;
    process.env.KAANA_API_KEY = service.token;
    const load = (name: string) => import(pathToFileURL(join(consumer, name)).href) as Promise<unknown>;
    const { app } = (await load('fastify.ts')) as { app: FastifyInstance };
    type Handler = (request: object, response: object, next: (error?: unknown) => void) => Promise<void>;
    const { requireKey } = (await load('express.ts')) as { requireKey: Handler };

    /** The status from Fastify, after seeing that Express's is the same. */
    const statusFor = async (authorization: string | undefined) => {
      const headers = authorization === undefined ? {} : { authorization };
      const { statusCode } = await app.inject({ url: '/reports', headers });
      let status = 200;
      const response = {
        set: () => response,
        json: () => response,
        status: (code: number) => {
          status = code;
          return response;
        },
      };
      const request = { get: () => authorization, ip: '127.0.0.1' };
      await requireKey(request, response, (error) => {
        if (error) throw error;
      });
      expect(status).toBe(statusCode);
      return statusCode;
    };

    const caller = await as.member.keys.create({ name: 'caller', scopes: ['projects:read'] });
    const narrow = await as.member.keys.create({ name: 'narrow', scopes: ['usage:read'] });
    const distant = await as.member.keys.create({ name: 'distant', allowedIps: ['203.0.113.7'] });
    expect(await statusFor(`Bearer ${caller.token}`)).toBe(200);
    expect(await statusFor(undefined)).toBe(401);
    expect(await statusFor(`Bearer ${mintToken()}`)).toBe(401);
    expect(await statusFor(`Bearer ${narrow.token}`)).toBe(403);
    expect(await statusFor(`Bearer ${distant.token}`)).toBe(403);
    await as.member.keys.revoke({ id: caller.key.id });
    expect(await statusFor(`Bearer ${caller.token}`)).toBe(401);
    // The service's own key: no fault of the caller.
    await as.admin.keys.revoke({ id: service.key.id });
    const logged = vi.spyOn(console, 'error').mockReturnValue();
    expect(await statusFor(`Bearer ${narrow.token}`)).toBe(503);
    expect(logged).toHaveBeenCalledWith(expect.objectContaining({ code: 'key_revoked' }));
    logged.mockRestore();
  });
});
