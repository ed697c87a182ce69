import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hash as argon2 } from '@node-rs/argon2';
import bcrypt from 'bcrypt';
import { MongoClient } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { call, keepAlive, verdict } from './call.ts';
import { ADMIN, type Created, setLimit, startFleet, UNLIMITED } from './fleet.ts';
import { COMMAND, createSharedSite, type Site } from './server.ts';
import { signIn } from './session.ts';

const DOCUMENT = new URL('../docs/importing.md', import.meta.url);

const createFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'kaana-import-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

type Ended = { readonly status: number | string | null; readonly output: string };
/** `npm run kaana -- ...`, called from a folder of the caller's. */
const startCommand = (
  site: Site,
  cwd: string,
  args: readonly string[],
): { child: ChildProcess; ended: Promise<Ended>; output: () => string } => {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd,
    env: { PATH, HOME, ...site.environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
  }
  const ended = new Promise<Ended>((resolve) =>
    child.once('close', (code, signal) => resolve({ status: signal ?? code, output })),
  );
  return { child, ended, output: () => output };
};

const foreignToken = (start = 'old_live_') => start + randomBytes(14).toString('hex');
const lineOf = (token: string, hash: object, more: object = {}) =>
  JSON.stringify({ owner: ADMIN, name: `was ${token.slice(0, 9)}`, hash, ...more });
const sha256 = (token: string) => ({
  format: 'sha256',
  value: createHash('sha256').update(token).digest('hex'),
});

describe('the keys of another system', () => {
  it('are imported as the document says, word for word', async () => {
    const text = await readFile(DOCUMENT, 'utf8');
    const blocks = [...text.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, kind = '', block = '']) => ({
      kind,
      block,
    }));
    const file = blocks.find(({ kind }) => kind === 'jsonl')?.block ?? '';
    await using folder = await createFolder();
    await using fleet = await startFleet([{}]);
    const [url = ''] = fleet.urls;
    await writeFile(join(folder.path, 'keys.jsonl'), file);
    const agent = keepAlive();
    let commands = 0;
    let requests = 0;
    for (const [index, { kind, block }] of blocks.entries()) {
      if (kind !== 'bash') continue;
      const [, command] = /^npm run kaana -- (.*)$/m.exec(block) ?? [];
      if (command !== undefined) {
        const { status, output } = await startCommand(fleet.site, folder.path, command.split(' ')).ended;
        const told = blocks[index + 1];
        expect(told?.kind).toBe('text');
        expect(output).toContain(told?.block.trim());
        expect(status).toBe(1);
        commands++;
      }
      for (const [, path = '', token = ''] of block.matchAll(
        /^curl \S+:3000(\S+) -H "Authorization: Bearer (\S+)"$/gm,
      )) {
        const answer = await call(agent, url, path, { token });
        expect(answer.status, answer.text).toBe(200);
        requests++;
      }
      const [, body] = /-d '(.*)'$/m.exec(block) ?? [];
      if (body !== undefined) {
        const { token } = await (await signIn(url, 'ada@acme.test')).mutate<Created>('keys.create', {
          name: 'admin',
        });
        const answer = await call(agent, url, '/api/keys/import', {
          method: 'POST',
          token,
          body: JSON.parse(body),
        });
        expect(JSON.parse(answer.text)).toMatchObject({ imported: 1, existing: 0, rejected: 0 });
        requests++;
      }
    }
    expect([commands, requests]).toEqual([3, 5]);
    const report = blocks.find(({ kind }) => kind === 'json')?.block;
    expect(await readFile(join(folder.path, 'rejected.jsonl'), 'utf8')).toBe(report);
  });

  it('are re-hashed once, whichever processes they are first used on', async () => {
    await using folder = await createFolder();
    await using fleet = await startFleet([{}, {}]);
    const { urls, site } = fleet;
    await setLimit(site, 'Globex', UNLIMITED);
    const agent = keepAlive();
    // Both have seen that there are none, and go on being asked.
    for (const url of urls) {
      expect(verdict(await call(agent, url, '/api/user', { token: foreignToken() }))).toBe(
        '401 key_malformed',
      );
    }
    const tokens: string[] = [];
    const lines: string[] = [];
    for (let round = 0; round < 3; round++) {
      const [plain, slow, slowest] = [foreignToken(), foreignToken(), foreignToken()];
      tokens.push(plain, slow, slowest);
      lines.push(
        lineOf(plain, sha256(plain)),
        lineOf(slow, { format: 'bcrypt', value: await bcrypt.hash(slow, 8) }, { start: slow.slice(0, 14) }),
        lineOf(
          slowest,
          {
            format: 'argon2id',
            value: await argon2(slowest, { memoryCost: 1024, timeCost: 1, parallelism: 1 }),
          },
          { start: slowest.slice(0, 14) },
        ),
      );
    }
    await writeFile(join(folder.path, 'keys.jsonl'), `${lines.join('\n')}\n`);
    const { status, output } = await startCommand(site, folder.path, ['keys', 'import', 'keys.jsonl']).ended;
    expect(output).toContain('9 lines: 9 imported, 0 already there, 0 rejected');
    expect(status).toBe(0);
    for (const token of tokens) {
      const answers = await Promise.all(
        urls.flatMap((url) => [1, 2, 3].map(() => call(agent, url, '/api/user', { token }))),
      );
      expect(answers.map(verdict)).toEqual(answers.map(() => '200'));
    }
    const admin = await signIn(urls[0] ?? '', ADMIN);
    type Page = { data: { id: string; action: string; target: { id: string } }[] };
    const { data } = await admin.query<Page>('audit.list', { action: 'key.migrated', limit: 200 });
    expect(new Set(data.map(({ target }) => target.id)).size).toBe(9);
    expect(data).toHaveLength(9);
    // Nothing of theirs is left in the database or was ever printed.
    for (const server of fleet.servers)
      for (const token of tokens) expect(server.output()).not.toContain(token);
  });

  it('with slow hashes hold nobody up who does not use them', async () => {
    await using folder = await createFolder();
    await using fleet = await startFleet([{ TRUST_PROXY: 'true' }]);
    const { site } = fleet;
    const [url = ''] = fleet.urls;
    await setLimit(site, 'Globex', UNLIMITED);
    const admin = await signIn(url, ADMIN);
    const { token: ordinary } = await admin.mutate<Created>('keys.create', { name: 'ordinary' });
    const value = await bcrypt.hash(foreignToken(), 11);
    const starts = Array.from({ length: 40 }, () => foreignToken().slice(0, 16));
    // The same hash under other salts would take the test's time to make; another character at its end is another hash.
    const lines = starts.map((start, index) => {
      const digit = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
      return lineOf(
        start,
        { format: 'bcrypt', value: `${value.slice(0, 51)}${digit.charAt(index)}${value.slice(52)}` },
        { start },
      );
    });
    await writeFile(join(folder.path, 'keys.jsonl'), lines.join('\n'));
    const imported = await startCommand(site, folder.path, ['keys', 'import', 'keys.jsonl']).ended;
    expect(imported.output).toContain('40 lines: 40 imported');

    const agent = keepAlive();
    let left = starts.length;
    const flood = starts.map(async (start, index) => {
      const answer = await call(agent, url, '/api/user', {
        token: foreignToken(start),
        headers: { 'x-forwarded-for': `203.0.113.${index}` },
      });
      left--;
      return answer;
    });
    const first = await Promise.race(flood);
    const before: number[] = [];
    for (let count = 0; count < 10; count++) {
      const answer = await call(agent, url, '/api/user', { token: ordinary });
      expect(verdict(answer)).toBe('200');
      before.push(left);
    }
    const verdicts = new Set((await Promise.all(flood)).map(verdict));
    expect(verdict(first)).toMatch(/^(401 key_unknown|503 overloaded)$/);
    // All ten were answered while the slow ones still waited.
    expect(before.at(-1)).toBeGreaterThan(0);
    expect([...verdicts].toSorted()).toEqual(['401 key_unknown', '503 overloaded']);
  });

  it('are all there after an import that was killed in the middle and run again', async () => {
    await using folder = await createFolder();
    await using site = await createSharedSite();
    await using fleet = await startFleet([{}], site);
    const [url = ''] = fleet.urls;
    const tokens = Array.from({ length: 1500 }, () => foreignToken());
    const lines = tokens.map((token, index) => lineOf(token, sha256(token), { externalId: `old-${index}` }));
    lines.splice(750, 0, 'not JSON', '', JSON.stringify({ owner: ADMIN, token: tokens[0] }));
    await writeFile(join(folder.path, 'keys.jsonl'), lines.join('\r\n'));
    const args = ['keys', 'import', 'keys.jsonl', '--report', 'rejected.jsonl'];
    const broken = startCommand(site, folder.path, args);
    await new Promise<void>((resolve) => {
      broken.child.stdout?.on('data', () => /^ *[2-6]\d %/m.test(broken.output()) && resolve());
      void broken.ended.then(() => resolve());
    });
    broken.child.kill('SIGKILL');
    expect((await broken.ended).status).toBe('SIGKILL');

    const resumed = await startCommand(site, folder.path, args).ended;
    expect(resumed.status).toBe(1);
    const [, imported, existing] =
      /1502 lines: (\d+) imported, (\d+) already there, 2 rejected$/m.exec(resumed.output) ?? [];
    expect(Number(imported) + Number(existing)).toBe(1500);
    expect(Number(imported)).toBeGreaterThan(0);
    expect(Number(existing)).toBeGreaterThan(200);
    const rejected = (await readFile(join(folder.path, 'rejected.jsonl'), 'utf8')).trim().split('\n');
    expect(rejected.map((line) => (JSON.parse(line) as { line: number }).line)).toEqual([751, 753]);
    expect(rejected.join()).not.toContain(tokens[0]);

    const client = await MongoClient.connect(site.environment.MONGODB_URI ?? '');
    try {
      const database = client.db();
      expect(
        await database.collection('api_keys').countDocuments({ 'imported.externalId': { $gt: '' } }),
      ).toBe(1500);
      // One event for each: in the log, or still in the document whose write was the last that the process did.
      const logged = await database.collection('audit_events').countDocuments({ action: 'key.imported' });
      const waiting = await database
        .collection('api_keys')
        .find({ 'outbox.id': { $gt: '' } })
        .toArray();
      const distinct = await database
        .collection('audit_events')
        .distinct('target.id', { action: 'key.imported' });
      expect(distinct).toHaveLength(logged);
      const all = new Set([...distinct, ...waiting.map(({ _id }) => String(_id))]);
      expect(all.size).toBe(1500);
    } finally {
      await client.close();
    }
    const agent = keepAlive();
    for (const token of [tokens[0], tokens[749], tokens[1499]]) {
      expect((await call(agent, url, '/api/user', { token: token ?? '' })).status).toBe(200);
    }
  });
});
