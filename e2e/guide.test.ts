import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSite, eventually, type RunningServer, runCommand, type Site, startServer } from './server.ts';
import { CallError, codeOf, get, type Key, signIn } from './session.ts';

/** What the user guide promises to outside callers, from outside. */
const run = promisify(execFile);

let site: Site;
let server: RunningServer;
beforeAll(async () => {
  site = await createSite();
  server = await startServer(site);
});
afterAll(async () => {
  await server.kill();
  await site[Symbol.asyncDispose]();
});

const hasRequests = () =>
  run('python3', ['-c', 'import requests']).then(
    () => true,
    () => false,
  );

describe('the main job', () => {
  it('signs in, creates a key, calls the API with it three ways, sees its last use, revokes it', async () => {
    const ada = await signIn(server.url, 'ada@acme.test');
    const { key, token } = await ada.mutate<{ key: Key; token: string }>('keys.create', {
      name: 'Zapier Integration',
    });
    const url = `${server.url}/api/projects`;

    const withCurl = async () => {
      const header = `Authorization: Bearer ${token}`;
      const { stdout } = await run('curl', [
        '-s',
        '-X',
        'GET',
        url,
        '-H',
        header,
        '-H',
        'Content-Type: application/json',
      ]);
      return JSON.parse(stdout) as { data?: unknown[]; title?: string };
    };
    const withPython = async () => {
      const library = (await hasRequests())
        ? `import requests\nprint(requests.get('${url}', headers=headers).text)`
        : `import urllib.request, urllib.error\ntry:\n  print(urllib.request.urlopen(urllib.request.Request('${url}', headers=headers)).read().decode())\nexcept urllib.error.HTTPError as e:\n  print(e.read().decode())`;
      const headers = `headers = {'Authorization': 'Bearer ${token}', 'Content-Type': 'application/json'}`;
      return JSON.parse((await run('python3', ['-c', `${headers}\n${library}`])).stdout) as {
        data?: unknown[];
      };
    };
    expect((await withCurl()).data).toHaveLength(3);
    expect((await (await get(server.url, '/api/projects', token)).json()) as object).toMatchObject({
      data: [{ name: 'Data warehouse' }, { name: 'Mobile app' }, { name: 'Website' }],
      nextCursor: null,
    });
    expect((await withPython()).data).toHaveLength(3);
    expect(await (await get(server.url, '/api/user', token)).json()).toMatchObject({
      email: 'ada@acme.test',
    });

    await eventually(async () => (await ada.query<Key>('keys.get', { id: key.id })).lastUsedAt);

    await ada.mutate('keys.revoke', { id: key.id });
    const refused = await get(server.url, '/api/projects', token);
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ title: 'Invalid API Key', code: 'key_revoked' });
    expect(await withCurl()).toMatchObject({ title: 'Invalid API Key' });
  });

  it('refuses the sixth active key of a standard account, and none of an enterprise one', async () => {
    const vic = await signIn(server.url, 'max@acme.test');
    for (let count = 0; count < 5; count++) await vic.mutate('keys.create', { name: `k${count}` });
    const sixth = await vic.mutate('keys.create', { name: 'sixth' }).catch((error: unknown) => error);
    expect(sixth).toBeInstanceOf(CallError);
    expect(sixth).toMatchObject({ status: 409, code: 'key_limit_reached' });
    const grace = await signIn(server.url, 'grace@globex.test');
    for (let count = 0; count < 7; count++) await grace.mutate('keys.create', { name: `k${count}` });
  });

  it('refuses the 101st request of a standard account within a minute, over all its keys', async () => {
    const max = await signIn(server.url, 'max@acme.test');
    const { data } = await max.query<{ data: Key[] }>('keys.list', { status: 'active' });
    for (const { id } of data.slice(0, 2)) await max.mutate('keys.revoke', { id });
    const tokens: string[] = [];
    for (const name of ['one', 'two']) {
      tokens.push((await max.mutate<{ token: string }>('keys.create', { name })).token);
    }
    const answers = await Promise.all(
      Array.from({ length: 130 }, (_, index) => get(server.url, '/api/user', tokens[index % 2] ?? '')),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(100);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(30);
    for (const answer of refused) {
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(answer.headers.get('ratelimit-policy')).toBe('"account";q=100;w=60');
      expect(await codeOf(answer)).toBe('rate_limited');
    }
  });
});

describe('npm run kaana -- organization set', () => {
  it('takes effect with the next request, beside the running server', async () => {
    const grace = await signIn(server.url, 'grace@globex.test');
    const { token } = await grace.mutate<{ token: string }>('keys.create', { name: 'limits' });
    const policy = async () => (await get(server.url, '/api/user', token)).headers.get('ratelimit-policy');
    expect(await policy()).toBe('"account";q=6000;w=60');
    const set = await runCommand(site, 'organization', 'set', 'globex', '--requests-per-minute', '7000');
    expect(set).toMatchObject({ status: 0, output: 'Globex: plan enterprise, 7000 requests per minute\n' });
    expect(await policy()).toBe('"account";q=7000;w=60');
    await runCommand(site, 'organization', 'set', 'Globex', '--requests-per-minute', 'plan');
    expect(await policy()).toBe('"account";q=6000;w=60');
  });

  it('refuses a plan that would leave an account with too many keys, and changes nothing', async () => {
    const refused = await runCommand(site, 'organization', 'set', 'Globex', '--plan', 'standard');
    expect(refused.status).toBe(1);
    expect(refused.output).toContain('grace@globex.test has 8');
    const grace = await signIn(server.url, 'grace@globex.test');
    expect(await grace.query('organization.get')).toMatchObject({ plan: 'enterprise' });
  });

  it('says what is wrong with what it does not understand', async () => {
    expect(await runCommand(site, 'organization', 'set', 'Nobody', '--plan', 'standard')).toMatchObject({
      status: 1,
    });
    expect(await runCommand(site, 'organization', 'set', 'Acme', '--plan', 'gold')).toMatchObject({
      status: 2,
    });
    expect(await runCommand(site, 'organization', 'set', 'Acme', '--requests-per-minute', '0')).toMatchObject(
      { status: 2 },
    );
    expect(await runCommand(site, 'dance')).toMatchObject({ status: 2 });
    expect((await runCommand(site)).output).toContain('Usage:');
  });
});
