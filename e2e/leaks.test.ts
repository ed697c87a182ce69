import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { call, keepAlive, verdict } from './call.ts';
import { ADMIN, type Created, startFleet } from './fleet.ts';
import { runCommand } from './server.ts';
import { signIn } from './session.ts';

const createFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'kaana-leaks-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

const agent = keepAlive();
type Events = { data: { action: string; target: { id: string }; actor: { name: string } }[] };

describe('a leaked token', () => {
  it("that GitHub reports, signed with its key, ends the token's key on every process, once", async () => {
    await using folder = await createFolder();
    const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const stranger = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const keys = join(folder.path, 'keys.json');
    const key = pair.publicKey.export({ type: 'spki', format: 'pem' });
    await writeFile(keys, JSON.stringify({ public_keys: [{ key_identifier: 'k1', key, is_current: true }] }));
    const settings = { GITHUB_SECRET_SCANNING_KEYS: keys };
    await using fleet = await startFleet([settings, settings]);
    const [first = '', second = ''] = fleet.urls;
    const admin = await signIn(first, ADMIN);
    const leaked = await admin.mutate<Created>('keys.create', { name: 'leaked' });
    const other = await admin.mutate<Created>('keys.create', { name: 'other' });

    const send = (url: string, report: string, signed = report, by: KeyObject = pair.privateKey, id = 'k1') =>
      fetch(`${url}/api/leaks/github`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'github-public-key-identifier': id,
          'github-public-key-signature': sign('sha256', Buffer.from(signed), by).toString('base64'),
        },
        body: report,
      });
    const reportOf = (token: string) =>
      JSON.stringify([
        { token, type: 'kaana_api_key', url: 'https://github.com/a/b/x.js', source: 'content' },
      ]);
    const report = reportOf(leaked.token);

    const refused = [
      await send(first, report, report, stranger.privateKey),
      await send(first, report, reportOf(other.token)),
      await send(first, report.replace('x.js', 'y.js'), report),
      await send(first, report, report, pair.privateKey, 'k2'),
      await fetch(`${first}/api/leaks/github`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: report,
      }),
    ];
    for (const response of refused) {
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
        403,
        'signature_invalid',
      ]);
    }
    expect(verdict(await call(agent, second, '/api/user', { token: leaked.token }))).toBe('200');

    // And again, as a replay on another process would.
    for (const url of [first, second, first]) {
      const response = await send(url, report);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual([
        {
          token_hash: createHash('sha256').update(leaked.token).digest('hex'),
          token_type: 'kaana_api_key',
          label: 'true_positive',
        },
      ]);
      for (const at of fleet.urls) {
        expect(verdict(await call(agent, at, '/api/user', { token: leaked.token }))).toBe('401 key_revoked');
        expect(verdict(await call(agent, at, '/api/user', { token: other.token }))).toBe('200');
      }
    }
    const listed = await call(agent, second, `/api/keys/${leaked.key.id}`, { token: other.token });
    expect(JSON.parse(listed.text)).toMatchObject({
      status: 'revoked',
      revokedReason: 'leaked',
      leakSource: { reporter: 'github', url: 'https://github.com/a/b/x.js' },
    });
    const { data } = await admin.query<Events>('audit.list', { targetId: leaked.key.id });
    expect(data.map(({ action, actor }) => [action, actor.name])).toEqual([
      ['key.revoked', 'GitHub secret scanning'],
      ['key.created', ADMIN],
    ]);
  });

  it('is found in a repository whose latest commit no longer has it, and ended by the report of the scan', async () => {
    await using folder = await createFolder();
    await using fleet = await startFleet([{}]);
    const [url = ''] = fleet.urls;
    const admin = await signIn(url, ADMIN);
    const { token } = await admin.mutate<Created>('keys.create', { name: 'committed' });
    const git = (...args: string[]) =>
      execFileSync(
        'git',
        ['-c', 'user.name=t', '-c', 'user.email=t@t.test', '-c', 'commit.gpgsign=false', ...args],
        {
          cwd: folder.path,
          encoding: 'utf8',
        },
      ).trim();
    git('init', '-q');
    await writeFile(join(folder.path, 'config.js'), `const url = 'x';\nconst key = '${token}';\n`);
    git('add', '.');
    git('commit', '-q', '-m', 'first');
    const commit = git('rev-parse', 'HEAD');
    await writeFile(join(folder.path, 'config.js'), `const url = 'x';\n`);
    git('commit', '-q', '-a', '-m', 'second');

    const scan = (...args: string[]) => runCommand(fleet.site, 'scan', ...args);
    expect(await scan(folder.path, '--no-history')).toMatchObject({ status: 0 });
    const found = await scan(folder.path);
    expect(found.status).toBe(1);
    expect(found.output).toContain(`${commit.slice(0, 12)}:config.js:2: ${token.slice(0, 12)}…`);
    expect(found.output).not.toContain(token);
    expect(await scan(join(folder.path, 'nowhere'))).toMatchObject({ status: 2 });
    expect(verdict(await call(agent, url, '/api/user', { token }))).toBe('200');

    const reported = await scan(folder.path, '--json', '--report', url);
    expect(reported.status).toBe(1);
    expect(JSON.parse(reported.output)).toMatchObject({
      findings: [{ source: 'history', commit, path: 'config.js', line: 2, start: token.slice(0, 12) }],
      failures: [],
    });
    expect(reported.output).not.toContain(token);
    expect(verdict(await call(agent, url, '/api/user', { token }))).toBe('401 key_revoked');
    // A server that does not take the report is no success.
    expect(await scan(folder.path, '--report', `${url}/nowhere`)).toMatchObject({ status: 2 });
  });
});
