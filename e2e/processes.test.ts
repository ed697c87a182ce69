import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { createSharedSite, createSite, eventually, runToEnd, startServer } from './server.ts';
import { codeOf, get, type Key, signIn } from './session.ts';

type Created = { key: Key; token: string };

describe('several servers on one database', () => {
  it('leave five active keys when 200 are created through all of them at once', async () => {
    await using site = await createSharedSite();
    await using first = await startServer(site, { WORKERS: '2' });
    await using second = await startServer(site);
    const sessions = [await signIn(first.url, 'ada@acme.test'), await signIn(second.url, 'ada@acme.test')];
    const attempts = await Promise.allSettled(
      Array.from({ length: 200 }, (_, index) =>
        sessions[index % 2]?.mutate('keys.create', { name: `k${index}` }),
      ),
    );
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    const codes = attempts.flatMap((attempt) =>
      attempt.status === 'rejected' ? [(attempt.reason as { code: string }).code] : [],
    );
    expect(new Set(codes)).toEqual(new Set(['key_limit_reached']));
    const list = await sessions[0]?.query<{ data: Key[] }>('keys.list', { status: 'active', limit: 200 });
    expect(list?.data).toHaveLength(5);
  });
});

describe('a dying process', () => {
  it('loses no acknowledged key, and comes back', async () => {
    await using site = await createSite();
    const tokens: string[] = [];
    for (let round = 0; round < 3; round++) {
      const server = await startServer(site);
      const grace = await signIn(server.url, 'grace@globex.test');
      for (let count = 0; count < 3; count++) {
        tokens.push((await grace.mutate<Created>('keys.create', { name: `k${round}` })).token);
      }
      // The engine goes with its parent, at once and without a word.
      await server.kill('SIGKILL');
    }
    await using server = await startServer(site);
    for (const token of tokens) expect((await get(server.url, '/api/user', token)).status).toBe(200);
  });

  it('serves on when the embedded engine is killed: 503 in between, and never 401 or 403', async () => {
    await using site = await createSite();
    if (!site.embedded) return;
    await using server = await startServer(site);
    const ada = await signIn(server.url, 'ada@acme.test');
    const { token } = await ada.mutate<Created>('keys.create', { name: 'k' });
    const engine = JSON.parse(await readFile(join(site.dataDir, 'engine.json'), 'utf8')) as { pid: number };
    process.kill(engine.pid, 'SIGKILL');
    const seen = new Set<number>();
    await eventually(async () => {
      const response = await get(server.url, '/api/user', token);
      seen.add(response.status);
      if (response.status === 503) expect(await codeOf(response)).toBe('store_unavailable');
      return response.status === 200;
    });
    for (const status of seen) expect([200, 503]).toContain(status);
  });
});

describe('the process', () => {
  it('refuses a data folder that another one uses, and says by whom', async () => {
    await using site = await createSite();
    if (!site.embedded) return;
    await using server = await startServer(site);
    const second = await runToEnd(site);
    expect(second.status).toBe(1);
    expect(second.output).toMatch(/in use by (the )?process \d+/);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it('says what is wrong with its environment, and never prints a secret', async () => {
    await using site = await createSite();
    const pepper = `p1:${Buffer.alloc(8, 'secret').toString('base64')}`;
    for (const [environment, expected] of [
      [{ NODE_ENV: 'production' }, 'KEY_PEPPER is required in production'],
      [{ PORT: 'many' }, 'PORT'],
      [{ KEY_PEPPER: pepper }, 'KEY_PEPPER'],
      [{ ADMIN_EMAIL: 'a@b.test' }, 'ADMIN_PASSWORD'],
    ] as const) {
      const ended = await runToEnd(site, environment);
      expect(ended.status).toBe(1);
      expect(ended.output).toContain(expected);
      expect(ended.output).not.toContain(pepper);
    }
  });

  it('makes the first admin of an empty database in production, and no demo data', async () => {
    await using site = await createSite();
    await using server = await startServer(site, {
      NODE_ENV: 'production',
      KEY_PEPPER: `p1:${Buffer.alloc(32, 7).toString('base64')}`,
      ADMIN_EMAIL: 'boss@initech.test',
      ADMIN_PASSWORD: 'a long password',
      ORGANIZATION_NAME: 'Initech',
    });
    const boss = await signIn(server.url, 'boss@initech.test', 'a long password');
    expect(await boss.query('user.me')).toMatchObject({ role: 'admin', organization: { name: 'Initech' } });
    await expect(signIn(server.url, 'ada@acme.test')).rejects.toMatchObject({ status: 401 });
    expect(server.output()).not.toContain('demo-password');
  });
});

describe('a token', () => {
  const filesBelow = async (folder: string): Promise<string[]> =>
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

  it('is nowhere in the database, the files or the logs', async () => {
    await using site = await createSite();
    const server = await startServer(site, { LOG_LEVEL: 'trace' });
    const ada = await signIn(server.url, 'ada@acme.test');
    const { key, token } = await ada.mutate<Created>('keys.create', { name: 'k' });
    const tokens = [token, (await ada.mutate<Created>('keys.rotate', { id: key.id })).token];
    for (const each of tokens) {
      await get(server.url, '/api/user', each);
      await fetch(`${server.url}/api/user?key=${each}`, {
        headers: { 'user-agent': each, 'x-request-id': each },
      });
      await fetch(`${server.url}/api/projects/${each}`, { headers: { authorization: `Bearer ${each}x` } });
      await get(server.url, `/api/projects?cursor=${each}`, each);
      await ada.mutate('keys.create', { name: each }).catch(() => undefined);
      await ada.mutate('keys.verify', { token: each });
    }
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    let stored = metrics;
    const uri = site.environment.MONGODB_URI;
    await server.kill();
    if (uri) {
      const client = await MongoClient.connect(uri);
      for (const { name } of await client.db().listCollections().toArray()) {
        stored += JSON.stringify(await client.db().collection(name).find().toArray());
      }
      await client.close();
    }
    for (const path of await filesBelow(site.dataDir)) stored += await readFile(path, 'latin1');
    stored += server.output();
    // It was there to be found: what is shown of the key is.
    expect(stored).toContain(key.start);
    for (const each of tokens) {
      expect(stored).not.toContain(each);
      expect(stored).not.toContain(each.slice(12));
      expect(stored).not.toContain(Buffer.from(each).toString('base64'));
    }
  });
});
