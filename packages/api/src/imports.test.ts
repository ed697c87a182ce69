import { createHash, randomBytes } from 'node:crypto';
import { generatePepper, parsePeppers } from '@kaana/api-key/digest';
import {
  createDomain,
  createPasswords,
  createRehearsal,
  type ImportRule,
  operatorImporter,
  type Rehearsal,
} from '@kaana/core';
import { hash as argon2 } from '@node-rs/argon2';
import bcrypt from 'bcrypt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyImport, toKeyToImport } from './contracts/import.ts';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type Tenant, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const foreignToken = () => `sk_live_${randomBytes(12).toString('hex')}`;
const sha256 = (text: string) => createHash('sha256').update(text);
const sha256Of = (token: string) => ({
  format: 'sha256' as const,
  value: sha256(token).digest('hex'),
});

type Keys = Parameters<Tenant['as']['admin']['keys']['import']>[0]['keys'];
type Line = Keys[number];

const lineOf = (tenant: Tenant, hash: Line['hash'], more: Partial<Line> = {}): Line => ({
  owner: tenant.accounts.member.email,
  name: 'from the old system',
  hash,
  ...more,
});

const FORMATS: Record<string, (token: string) => Promise<Partial<Line> & { hash: Line['hash'] }>> = {
  'SHA-256 in hexadecimal': async (token) => ({ hash: sha256Of(token) }),
  'SHA-256 in base64': async (token) => ({
    hash: { format: 'sha256', value: sha256(token).digest('base64') },
  }),
  'SHA-256 in base64url': async (token) => ({
    hash: { format: 'sha256', value: sha256(token).digest('base64url') },
  }),
  'SHA-256 with a salt before it': async (token) => ({
    hash: { format: 'sha256', value: sha256(`pepper${token}`).digest('hex'), salt: 'pepper' },
  }),
  'SHA-256 with a salt after it': async (token) => ({
    hash: {
      format: 'sha256',
      value: sha256(`${token}pepper`).digest('hex'),
      salt: 'pepper',
      saltPosition: 'after',
    },
  }),
  'SHA-256 of what follows its prefix': async (token) => ({
    hash: {
      format: 'sha256',
      value: sha256(token.slice('sk_live_'.length)).digest('hex'),
      withoutPrefix: 'sk_live_',
    },
  }),
  'SHA-256 with a salt of its own': async (token) => {
    const salt = randomBytes(8).toString('hex');
    return {
      hash: { format: 'sha256', value: sha256(salt + token).digest('hex'), salt },
      start: token.slice(0, 14),
    };
  },
  bcrypt: async (token) => ({
    hash: { format: 'bcrypt', value: await bcrypt.hash(token, 4) },
    start: token.slice(0, 14),
  }),
  "bcrypt as PHP writes it, of what follows the token's prefix": async (token) => ({
    hash: {
      format: 'bcrypt',
      value: (await bcrypt.hash(token.slice('sk_live_'.length), 4)).replace('$2b$', '$2y$'),
      withoutPrefix: 'sk_live_',
    },
    start: token.slice(0, 14),
  }),
  argon2id: async (token) => ({
    hash: { format: 'argon2id', value: await argon2(token, { memoryCost: 64, timeCost: 1, parallelism: 1 }) },
    start: token.slice(0, 14),
  }),
};

describe('a key that is imported by its hash', () => {
  it.each(Object.entries(FORMATS))('works with its own token: %s', async (_name, make) => {
    const tenant = await api.createTenant();
    const token = foreignToken();
    const line = await make(token);
    const answer = await tenant.as.admin.keys.import({
      keys: [lineOf(tenant, line.hash, { ...line, externalId: 'old-1' })],
    });
    expect(answer).toMatchObject({ imported: 1, existing: 0, rejected: 0 });
    const id = answer.results[0]?.id ?? '';
    expect(await tenant.as.admin.keys.get({ id })).toMatchObject({
      name: 'from the old system',
      createdBy: { email: tenant.accounts.member.email },
      imported: { externalId: 'old-1', format: line.hash.format, migratedAt: null },
    });
    for (const wrong of [`${token}x`, token.slice(0, -1), `${token.slice(0, -1)}!`]) {
      await expectRefusal(api.withKey(wrong).user.me(), 'key_unknown');
    }
    for (let use = 0; use < 2; use++) {
      expect((await api.withKey(token).user.me()).email).toBe(tenant.accounts.member.email);
    }
    const key = await tenant.as.admin.keys.get({ id });
    expect(key.imported?.migratedAt).not.toBeNull();
    expect(key.start.length).toBeGreaterThan(0);
    expect(token.startsWith(key.start)).toBe(true);
    // Nothing of the other system's hash is left, and nothing ever was of the token.
    const stored = JSON.stringify(await api.database.raw('api_keys').findOne({ _id: id as never }));
    expect(stored).not.toContain(line.hash.value);
    expect(stored).not.toContain('lookup');
    expect(stored).not.toContain(token);
    const events = (await tenant.as.admin.audit.list({ targetId: id })).data.map(({ action }) => action);
    expect(events).toEqual(['key.migrated', 'key.imported']);
    expect(JSON.stringify(await tenant.as.admin.audit.list())).not.toContain(token);
  });

  it('is an ordinary key afterwards: rotated, revoked, limited to its scopes', async () => {
    const tenant = await api.createTenant();
    const [used, unused] = [foreignToken(), foreignToken()];
    const { results } = await tenant.as.admin.keys.import({
      keys: [used, unused].map((token) => lineOf(tenant, sha256Of(token), { scopes: ['projects:read'] })),
    });
    await api.withKey(used).projects.list();
    await expectRefusal(api.withKey(used).keys.list(), 'permission_denied');
    for (const [index, token] of [used, unused].entries()) {
      const id = results[index]?.id ?? '';
      const rotated = await tenant.as.admin.keys.rotate({ id, overlapSeconds: 3600 });
      await api.withKey(rotated.token).projects.list();
      // Also where the old secret was not used before the rotation.
      await api.withKey(token).projects.list();
      await tenant.as.admin.keys.revoke({ id });
      await expectRefusal(api.withKey(token).projects.list(), 'key_revoked');
      await expectRefusal(api.withKey(rotated.token).projects.list(), 'key_revoked');
    }
  });

  it('that is revoked before its first use is refused as revoked, and stays as it is', async () => {
    const tenant = await api.createTenant();
    for (const make of [FORMATS.bcrypt, FORMATS['SHA-256 in hexadecimal']]) {
      const token = foreignToken();
      const line = await make?.(token);
      if (!line) throw new Error('no such format');
      const { results } = await tenant.as.admin.keys.import({ keys: [lineOf(tenant, line.hash, line)] });
      const id = results[0]?.id ?? '';
      await tenant.as.admin.keys.revoke({ id });
      await expectRefusal(api.withKey(token).user.me(), 'key_revoked');
      expect((await tenant.as.admin.keys.get({ id })).imported?.migratedAt).toBeNull();
    }
  });

  it('is re-hashed once, however many use it first at the same moment', async () => {
    const tenant = await api.createTenant('enterprise');
    for (const make of Object.values(FORMATS)) {
      const token = foreignToken();
      const line = await make(token);
      const { results } = await tenant.as.admin.keys.import({ keys: [lineOf(tenant, line.hash, line)] });
      const users = await Promise.all(Array.from({ length: 40 }, () => api.withKey(token).user.me()));
      expect(users).toHaveLength(40);
      const events = await tenant.as.admin.audit.list({ targetId: results[0]?.id ?? '' });
      expect(events.data.filter(({ action }) => action === 'key.migrated')).toHaveLength(1);
    }
  });

  it('is served by a process that had seen before that there are none', async () => {
    // Another process on the same database, which has just looked.
    const peppers = parsePeppers(generatePepper('test'));
    await using fresh = await createTestApi();
    const other = createDomain({
      stores: fresh.database.stores,
      peppers,
      passwords: createPasswords(4),
      clock: fresh.clock,
    });
    const first = createDomain({
      stores: fresh.database.stores,
      peppers,
      passwords: createPasswords(4),
      clock: fresh.clock,
    });
    const tenant = await fresh.createTenant();
    const token = foreignToken();
    let over = false;
    // It looks again and again, as under a flood.
    const flood = (async () => {
      while (!over) {
        await other.authentication.key(foreignToken(), null).catch(() => undefined);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await expectRefusal(other.authentication.key(token, null), 'key_malformed');
    await first.imports.import(
      {
        actor: { type: 'operator', id: null, name: 'operator', keyId: null },
        origin: { requestId: null, ip: null },
        organizationId: null,
        permissions: null,
        addresses: null,
      },
      [
        {
          owner: tenant.accounts.admin.email,
          name: 'k',
          hash: { ...sha256Of(token), salt: null, saltPosition: 'before', withoutPrefix: null },
          start: null,
          externalId: null,
          scopes: null,
          allowedIps: null,
          createdAt: null,
          expiresAt: null,
        },
      ],
    );
    expect((await other.authentication.key(token, null)).account.email).toBe(tenant.accounts.admin.email);
    over = true;
    await flood;
  });
});

describe('tokens that are not of our form', () => {
  it('cost one look a second at most where nothing was ever imported', async () => {
    await using fresh = await createTestApi();
    let looks = 0;
    const { stores } = fresh.database;
    const counting = {
      ...stores,
      imports: {
        ...stores.imports,
        rules: (): Promise<ImportRule[]> => {
          looks++;
          return stores.imports.rules();
        },
        candidates: () => Promise.reject(new Error('nothing is looked for')),
      },
      credentials: { find: () => Promise.reject(new Error('nothing is looked up')) },
    };
    const domain = createDomain({
      stores: counting,
      peppers: parsePeppers(generatePepper('test')),
      passwords: createPasswords(4),
      clock: fresh.clock,
    });
    const started = performance.now();
    for (let round = 0; round < 20; round++) {
      await Promise.all(
        Array.from({ length: 50 }, () =>
          expectRefusal(domain.authentication.key(foreignToken(), null), 'key_malformed'),
        ),
      );
    }
    expect(looks).toBeLessThanOrEqual(1 + Math.floor((performance.now() - started) / 1000));
  });

  it.each([
    '',
    'short',
    'a token with spaces in it',
    'ünïcödë-ünïcödë-ünïcödë',
    'x'.repeat(513),
    '\u0000'.repeat(20),
  ])('are malformed for all that: %j', async (token) => {
    await expectRefusal(api.withKey(token).user.me(), 'key_malformed');
  });

  it('of our form with a wrong checksum stay malformed', async () => {
    const { token } = await (await api.createTenant()).as.admin.keys.create({ name: 'k' });
    await expectRefusal(api.withKey(`${token.slice(0, -1)}!`).user.me(), 'key_unknown');
    const last = token.endsWith('0') ? '1' : '0';
    await expectRefusal(api.withKey(token.slice(0, -1) + last).user.me(), 'key_malformed');
  });

  it('are checked against slow hashes so many times only', async () => {
    const tenant = await api.createTenant();
    const token = foreignToken();
    const line = await FORMATS.bcrypt?.(token);
    if (!line) throw new Error('no such format');
    await tenant.as.admin.keys.import({ keys: [lineOf(tenant, line.hash, line)] });
    const guess = () => token.slice(0, 14) + randomBytes(9).toString('hex');
    const guesses = Array.from({ length: 10 }, guess);
    for (const wrong of guesses) await expectRefusal(api.withKey(wrong).user.me(), 'key_unknown');
    await expectRefusal(api.withKey(guess()).user.me(), 'rate_limited');
    // What was refuted needs no check.
    for (const wrong of guesses) await expectRefusal(api.withKey(wrong).user.me(), 'key_unknown');
    // The owner comes from elsewhere, and gets in.
    await api.withKey(token, { ip: '203.0.113.9' }).user.me();
  });
});

describe('an import', () => {
  it('done twice says so, before and after the first use, and imports nothing twice', async () => {
    const tenant = await api.createTenant();
    const token = foreignToken();
    const keys = [lineOf(tenant, sha256Of(token), { externalId: 'a' })];
    const first = await tenant.as.admin.keys.import({ keys });
    expect(await tenant.as.admin.keys.import({ keys })).toMatchObject({
      imported: 0,
      existing: 1,
      results: [{ status: 'exists', id: first.results[0]?.id }],
    });
    await api.withKey(token).user.me();
    expect(await tenant.as.admin.keys.import({ keys })).toMatchObject({ imported: 0, existing: 1 });
    expect((await tenant.as.admin.keys.list()).data).toHaveLength(1);
  });

  it('done several times at once imports each key once', async () => {
    const tenant = await api.createTenant('enterprise');
    const keys = Array.from({ length: 60 }, (_, n) =>
      lineOf(tenant, sha256Of(foreignToken()), { externalId: `id-${n}` }),
    );
    const answers = await Promise.all([1, 2, 3].map(() => tenant.as.admin.keys.import({ keys })));
    expect(answers.reduce((sum, { imported }) => sum + imported, 0)).toBe(60);
    expect(answers.reduce((sum, { rejected }) => sum + rejected, 0)).toBe(0);
    expect((await tenant.as.admin.keys.list({ limit: 200 })).data).toHaveLength(60);
    expect((await tenant.as.admin.audit.list({ action: 'key.imported', limit: 200 })).data).toHaveLength(60);
  });

  it('holds to the number of keys that the plan allows, whatever else is under way', async () => {
    const tenant = await api.createTenant();
    await tenant.as.member.keys.create({ name: 'one' });
    const keys = Array.from({ length: 6 }, () => lineOf(tenant, sha256Of(foreignToken())));
    const dry = await tenant.as.admin.keys.import({ keys, dryRun: true });
    expect(dry).toMatchObject({ imported: 4, rejected: 2 });
    const [answer, ...created] = await Promise.all([
      tenant.as.admin.keys.import({ keys }),
      ...[1, 2, 3].map(() => tenant.as.member.keys.create({ name: 'more' }).catch(() => null)),
    ]);
    const active = (await tenant.as.admin.keys.list({ status: 'active' })).data;
    expect(active).toHaveLength(5);
    expect(answer.imported + created.filter((key) => key !== null).length).toBe(4);
    expect(answer.results.find(({ status }) => status === 'rejected')?.reason).toContain('standard plan');
  });

  it('says of every key why it was rejected, and takes the others', async () => {
    const tenant = await api.createTenant('enterprise');
    const other = await api.createTenant();
    const taken = sha256Of(foreignToken());
    await other.as.admin.keys.import({ keys: [lineOf(other, taken)] });
    const same = sha256Of(foreignToken());
    const token = foreignToken();
    const bcryptHash = { format: 'bcrypt' as const, value: await bcrypt.hash(token, 4) };
    const lines: [Line, RegExp | null][] = [
      [lineOf(tenant, sha256Of(foreignToken())), null],
      [lineOf(tenant, sha256Of(foreignToken()), { owner: 'nobody@nowhere.test' }), /^owner: no member/],
      [lineOf(tenant, sha256Of(foreignToken()), { owner: other.accounts.admin.email }), /^owner: no member/],
      [lineOf(tenant, { format: 'sha256', value: 'abc' }), /^hash.value: is no SHA-256/],
      [lineOf(tenant, { format: 'bcrypt', value: '$2b$10$short' }, { start: 'sk_live_abc' }), /bcrypt/],
      [
        lineOf(
          tenant,
          { format: 'bcrypt', value: bcryptHash.value.replace('$04$', '$20$') },
          { start: 'sk_live_abc' },
        ),
        /cost 20/,
      ],
      [
        lineOf(
          tenant,
          {
            format: 'argon2id',
            value: '$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA',
          },
          { start: 'sk_live_abc' },
        ),
        /cannot be checked/,
      ],
      [lineOf(tenant, bcryptHash), /^start: is needed with bcrypt/],
      [lineOf(tenant, sha256Of(foreignToken()), { expiresAt: '2020-01-01T00:00:00Z' }), /^expiresAt/],
      [lineOf(tenant, sha256Of(foreignToken()), { createdAt: '2200-01-01T00:00:00Z' }), /^createdAt/],
      [lineOf(tenant, taken), /another owner/],
      [lineOf(tenant, same, { externalId: 'x' }), null],
      [lineOf(tenant, sha256Of(foreignToken()), { externalId: 'x' }), /another hash/],
    ];
    const keys = lines.map(([line]) => line);
    for (const dryRun of [true, false]) {
      const { results } = await tenant.as.admin.keys.import({ keys, dryRun });
      for (const [index, [line, reason]] of lines.entries()) {
        const result = results[index];
        expect(result?.status, JSON.stringify(line)).toBe(reason ? 'rejected' : 'imported');
        if (reason) expect(result?.reason).toMatch(reason);
      }
      if (dryRun) expect((await tenant.as.admin.keys.list()).data).toEqual([]);
    }
    expect((await tenant.as.admin.keys.list()).data).toHaveLength(2);
  });

  it('takes a hash that stands in it twice once, and says so the second time', async () => {
    const tenant = await api.createTenant();
    const line = lineOf(tenant, sha256Of(foreignToken()));
    const elsewhere = { ...line, owner: tenant.accounts.admin.email };
    const keys = [line, line, elsewhere];
    const dry = await tenant.as.admin.keys.import({ keys: [line, line], dryRun: true });
    expect(dry.results.map(({ status }) => status)).toEqual(['imported', 'exists']);
    const { results } = await tenant.as.admin.keys.import({ keys });
    expect(results.map(({ status }) => status)).toEqual(['imported', 'exists', 'rejected']);
    expect(results[1]?.id).toBe(results[0]?.id);
    expect((await tenant.as.admin.keys.list()).data).toHaveLength(1);
  });

  it('that is rehearsed in several parts comes to what the parts come to when they are done', async () => {
    const tenant = await api.createTenant();
    const expired = await tenant.as.member.keys.create({
      name: 'expires',
      expiresAt: new Date(api.clock() + 1000).toISOString(),
    });
    await tenant.as.member.keys.create({ name: 'stays' });
    api.clock.advance(2000);
    const repeated = lineOf(tenant, sha256Of(foreignToken()), { externalId: 'x' });
    const more = () => lineOf(tenant, sha256Of(foreignToken()));
    const parts = [
      [repeated, more()],
      [repeated, more(), lineOf(tenant, sha256Of(foreignToken()), { externalId: 'x' })],
      [more(), more(), more()],
    ].map((lines) => lines.map((line) => toKeyToImport(KeyImport.parse(line))));
    const importer = operatorImporter(tenant.organization.id);
    const run = async (options: { rehearsal?: Rehearsal }) => {
      const outcomes = [];
      for (const part of parts) outcomes.push(...(await api.domain.imports.import(importer, part, options)));
      return outcomes.map(({ status }) => status);
    };
    const rehearsed = await run({ rehearsal: createRehearsal() });
    expect(rehearsed).toEqual([
      'imported',
      'imported',
      'exists',
      'imported',
      'rejected',
      'imported',
      'rejected',
      'rejected',
    ]);
    expect(await run({})).toEqual(rehearsed);
    expect((await tenant.as.admin.keys.get({ id: expired.key.id })).status).toBe('expired');
  });

  it('takes few keys that share a start', async () => {
    const tenant = await api.createTenant('enterprise');
    const start = `sk_${randomBytes(5).toString('hex')}`;
    const keys = await Promise.all(
      Array.from({ length: 10 }, async () =>
        lineOf(tenant, { format: 'bcrypt', value: await bcrypt.hash(start + foreignToken(), 4) }, { start }),
      ),
    );
    expect(await tenant.as.admin.keys.import({ keys })).toMatchObject({ imported: 8, rejected: 2 });
    expect(await tenant.as.admin.keys.import({ keys })).toMatchObject({ existing: 8, rejected: 2 });
  });

  it('is for admins, and gives no more than they have', async () => {
    const tenant = await api.createTenant();
    const keys = [lineOf(tenant, sha256Of(foreignToken()))];
    await expectRefusal(tenant.as.member.keys.import({ keys }), 'permission_denied');
    await expectRefusal(tenant.as.viewer.keys.import({ keys }), 'permission_denied');
    const { token } = await tenant.as.admin.keys.create({
      name: 'importer',
      scopes: ['keys:write', 'projects:read'],
    });
    expect(await api.withKey(token).keys.import({ keys })).toMatchObject({ rejected: 1 });
    const scoped = keys.map((key) => ({ ...key, scopes: ['projects:read' as const] }));
    expect(await api.withKey(token).keys.import({ keys: scoped })).toMatchObject({ imported: 1 });
  });

  it('gives a key no addresses beyond those that the importing key is held to', async () => {
    const tenant = await api.createTenant();
    const { token } = await tenant.as.admin.keys.create({ name: 'importer', allowedIps: ['203.0.113.0/24'] });
    const importer = api.withKey(token, { ip: '203.0.113.7' });
    const line = lineOf(tenant, sha256Of(foreignToken()));
    for (const allowedIps of [undefined, ['0.0.0.0/0']])
      expect(await importer.keys.import({ keys: [{ ...line, allowedIps }] })).toMatchObject({ rejected: 1 });
    const within = { ...line, allowedIps: ['203.0.113.7'] };
    expect(await importer.keys.import({ keys: [within] })).toMatchObject({ imported: 1 });
  });
});
