import { parseToken } from '@kaana/api-key';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const DAY_MS = 24 * 3600_000;

describe('creating a key', () => {
  it('shows the token once, and never again', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.member.keys.create({ name: '  Zapier Integration ' });
    expect(parseToken(token)).toMatchObject({ ok: true, start: key.start });
    expect(key).toMatchObject({
      name: 'Zapier Integration',
      status: 'active',
      scopes: null,
      lastUsedAt: null,
    });
    const later = JSON.stringify([await as.member.keys.get({ id: key.id }), await as.member.keys.list()]);
    expect(later).not.toContain(token);
    expect(later).toContain(key.start);
  });

  it('takes names as people write them, and refuses what is no name', async () => {
    const { as } = await api.createTenant();
    const { key } = await as.admin.keys.create({ name: "John's 🔑 “Dashboard” Key" });
    expect(key.name).toBe("John's 🔑 “Dashboard” Key");
    for (const name of ['', '   ', 'x'.repeat(101), 'two\nlines', 'nul\0']) {
      await expectRefusal(as.admin.keys.create({ name }), 'invalid_input');
    }
  });

  it('refuses a field that it does not know, so that a misspelt limit does not make an unlimited key', async () => {
    const { as } = await api.createTenant();
    const misspelt = { name: 'x', scope: ['projects:read'] };
    const error = await expectRefusal(as.admin.keys.create(misspelt), 'invalid_input');
    expect(error.message).toContain('scope');
  });

  it('refuses an expiry in the past', async () => {
    const { as } = await api.createTenant();
    const past = new Date(api.clock() - 1).toISOString();
    await expectRefusal(as.admin.keys.create({ name: 'x', expiresAt: past }), 'invalid_input');
  });

  it('is for those who may: a viewer makes none', async () => {
    const { as } = await api.createTenant();
    await expectRefusal(as.viewer.keys.create({ name: 'x' }), 'permission_denied');
  });
});

describe('five active keys on standard', () => {
  it('refuses the sixth, and counts neither revoked nor expired ones', async () => {
    const { as } = await api.createTenant();
    const expiresAt = new Date(api.clock() + DAY_MS).toISOString();
    await as.admin.keys.create({ name: 'expiring', expiresAt });
    const ids: string[] = [];
    for (let count = 0; count < 4; count++) ids.push((await as.admin.keys.create({ name: 'k' })).key.id);
    await expectRefusal(as.admin.keys.create({ name: 'sixth' }), 'key_limit_reached');
    await as.admin.keys.revoke({ id: ids[0] ?? '' });
    await as.admin.keys.create({ name: 'in place of the revoked one' });
    await expectRefusal(as.admin.keys.create({ name: 'sixth' }), 'key_limit_reached');
    api.clock.advance(2 * DAY_MS);
    await as.admin.keys.create({ name: 'in place of the expired one' });
    await expectRefusal(as.admin.keys.create({ name: 'sixth' }), 'key_limit_reached');
  });

  it('is per account', async () => {
    const { as } = await api.createTenant();
    for (let count = 0; count < 5; count++) await as.admin.keys.create({ name: 'k' });
    await as.member.keys.create({ name: 'another account' });
  });

  it('holds when 200 are created at once', async () => {
    const { as, accounts, organization } = await api.createTenant();
    const attempts = await Promise.allSettled(
      Array.from({ length: 200 }, (_, index) => as.admin.keys.create({ name: `k${index}` })),
    );
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    for (const attempt of attempts) {
      if (attempt.status === 'rejected')
        await expectRefusal(Promise.reject(attempt.reason), 'key_limit_reached');
    }
    const active = await api.database.stores.keys.list({
      organizationId: organization.id,
      accountId: accounts.admin.id,
      status: 'active',
      now: new Date(api.clock()),
      limit: 500,
    });
    expect(active).toHaveLength(5);
  });

  it('does not hold on enterprise', async () => {
    const { as } = await api.createTenant('enterprise');
    await Promise.all(Array.from({ length: 12 }, () => as.admin.keys.create({ name: 'k' })));
    expect((await as.admin.keys.list({ status: 'active' })).data).toHaveLength(12);
  });
});

describe('revoking a key', () => {
  it('stops it with the next request, and for good', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.member.keys.create({ name: 'k' });
    expect((await api.withKey(token).user.me()).email).toContain('member@');
    const revoked = await as.member.keys.revoke({ id: key.id, reason: 'no longer needed' });
    expect(revoked).toMatchObject({ status: 'revoked', revokedReason: 'no longer needed' });
    await expectRefusal(api.withKey(token).user.me(), 'key_revoked');
    await expectRefusal(as.member.keys.revoke({ id: key.id }), 'already_revoked');
    await expectRefusal(as.member.keys.update({ id: key.id, name: 'back' }), 'already_revoked');
    await expectRefusal(as.member.keys.rotate({ id: key.id }), 'already_revoked');
    await expectRefusal(api.withKey(token).user.me(), 'key_revoked');
  });

  it('lets exactly one of many parallel revocations win', async () => {
    const { as } = await api.createTenant();
    const { key } = await as.admin.keys.create({ name: 'k' });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => as.admin.keys.revoke({ id: key.id })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('never loses against a parallel rename, rotation or expiry change', async () => {
    const { as } = await api.createTenant();
    for (let round = 0; round < 10; round++) {
      const { key, token } = await as.admin.keys.create({ name: 'k' });
      const [, revocation] = await Promise.allSettled([
        as.admin.keys.update({ id: key.id, name: 'renamed' }),
        as.admin.keys.revoke({ id: key.id }),
        as.admin.keys.rotate({ id: key.id }),
        as.admin.keys.update({ id: key.id, expiresAt: new Date(api.clock() + DAY_MS).toISOString() }),
      ]);
      expect(revocation?.status).toBe('fulfilled');
      expect((await as.admin.keys.get({ id: key.id })).status).toBe('revoked');
      await expectRefusal(api.withKey(token).user.me(), 'key_revoked');
    }
  });
});

describe('the life of a key', () => {
  it('ends when it expires, and an expired key is not renewed', async () => {
    const { as } = await api.createTenant();
    const expiresAt = new Date(api.clock() + 1000).toISOString();
    const { key, token } = await as.admin.keys.create({ name: 'k', expiresAt });
    await api.withKey(token).user.me();
    api.clock.advance(1000);
    await expectRefusal(api.withKey(token).user.me(), 'key_expired');
    expect((await as.admin.keys.get({ id: key.id })).status).toBe('expired');
    await expectRefusal(as.admin.keys.update({ id: key.id, expiresAt: null }), 'already_expired');
    expect((await as.admin.keys.list({ status: 'expired' })).data.map(({ id }) => id)).toEqual([key.id]);
  });

  it('rotates: both secrets work during the overlap, then the new one alone', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.admin.keys.create({ name: 'k' });
    const rotated = await as.admin.keys.rotate({ id: key.id, overlapSeconds: 60 });
    expect(rotated.key.id).toBe(key.id);
    expect(rotated.key.secrets).toHaveLength(2);
    await api.withKey(token).user.me();
    await api.withKey(rotated.token).user.me();
    await expectRefusal(as.admin.keys.rotate({ id: key.id }), 'rotation_in_progress');
    api.clock.advance(60_000);
    await expectRefusal(api.withKey(token).user.me(), 'key_expired');
    await api.withKey(rotated.token).user.me();
    await as.admin.keys.revoke({ id: key.id });
    await expectRefusal(api.withKey(rotated.token).user.me(), 'key_revoked');
  });

  it('lets one of two parallel rotations win', async () => {
    const { as } = await api.createTenant();
    const { key } = await as.admin.keys.create({ name: 'k' });
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => as.admin.keys.rotate({ id: key.id })));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        await expectRefusal(Promise.reject(outcome.reason), 'rotation_in_progress');
    }
  });

  it('does not let an old secret outlive the expiry of the key', async () => {
    const { as } = await api.createTenant();
    const expiresAt = new Date(api.clock() + DAY_MS).toISOString();
    const { key } = await as.admin.keys.create({ name: 'k', expiresAt });
    const rotated = await as.admin.keys.rotate({ id: key.id, overlapSeconds: 30 * 24 * 3600 });
    expect(rotated.key.secrets[1]?.expiresAt).toBe(expiresAt);
  });

  it('shows last use, from where and with what, once it is flushed', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.admin.keys.create({ name: 'k' });
    await api.withKey(token, { ip: '203.0.113.7' }).projects.list();
    await api.domain.recorder.flush();
    const [listed] = (await as.admin.keys.list()).data;
    expect(listed).toMatchObject({ id: key.id, lastUsedIp: '203.0.113.7', lastUsedUserAgent: 'vitest' });
    expect(listed?.lastUsedAt).toBe(new Date(api.clock()).toISOString());
    expect(listed?.secrets[0]?.lastUsedAt).toBe(listed?.lastUsedAt);
  });

  it('is listed newest first, in pages that neither repeat nor skip', async () => {
    const { as } = await api.createTenant('enterprise');
    const made: string[] = [];
    for (let count = 0; count < 7; count++) {
      made.unshift((await as.admin.keys.create({ name: `k${count}` })).key.id);
      api.clock.advance(1);
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { data: { id: string }[]; nextCursor: string | null } = await as.admin.keys.list({
        limit: 3,
        ...(cursor ? { cursor } : {}),
      });
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor);
    expect(seen).toEqual(made);
  });
});

describe('an address list', () => {
  it('lets in what it names, v4 and v6, and mapped addresses as v4', async () => {
    const { as } = await api.createTenant();
    const allowedIps = ['198.51.100.0/24', '2001:db8::/32', '192.0.2.1'];
    const { token } = await as.admin.keys.create({ name: 'k', allowedIps });
    for (const ip of ['198.51.100.9', '2001:db8::1', '192.0.2.1', '::ffff:192.0.2.1']) {
      await api.withKey(token, { ip }).user.me();
    }
    for (const ip of ['198.51.101.9', '2001:db9::1', '192.0.2.2', '::ffff:192.0.2.2']) {
      await expectRefusal(api.withKey(token, { ip }).user.me(), 'ip_not_allowed');
    }
    await expectRefusal(as.admin.keys.create({ name: 'k', allowedIps: ['everywhere'] }), 'invalid_input');
  });
});

describe('verifying a token for another service', () => {
  it('answers what a request with it would get', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.member.keys.create({ name: 'k', scopes: ['projects:read'] });
    expect(await as.admin.keys.verify({ token })).toMatchObject({
      valid: true,
      code: 'valid',
      key: { id: key.id },
      permissions: ['projects:read'],
      ratelimit: { limit: 100, remaining: 99 },
    });
    expect(await as.admin.keys.verify({ token, permissions: ['projects:write'] })).toMatchObject({
      valid: false,
      code: 'permission_denied',
    });
    await as.member.keys.revoke({ id: key.id });
    expect(await as.admin.keys.verify({ token })).toMatchObject({ valid: false, code: 'key_revoked' });
    expect(await as.admin.keys.verify({ token: 'nonsense' })).toMatchObject({
      valid: false,
      code: 'key_malformed',
    });
  });

  it('knows nothing of the tokens of others', async () => {
    const [mine, theirs] = [await api.createTenant(), await api.createTenant()];
    const { key, token } = await theirs.as.admin.keys.create({ name: 'k' });
    const unknown = await mine.as.admin.keys.verify({ token });
    expect(unknown).toMatchObject({ valid: false, code: 'key_unknown', key: null, organization: null });
    await theirs.as.admin.keys.revoke({ id: key.id });
    expect(await mine.as.admin.keys.verify({ token })).toEqual(unknown);
  });
});

describe('reporting a leaked token', () => {
  it('revokes it, and answers the same whether it was known or not', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.admin.keys.create({ name: 'k' });
    const answers = [
      await api.anonymous().keys.leaked({ token }),
      await api.anonymous().keys.leaked({ token }),
      await api.anonymous().keys.leaked({ token: 'not a token' }),
    ];
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await as.admin.keys.get({ id: key.id })).toMatchObject({
      status: 'revoked',
      revokedReason: 'leaked',
    });
  });
});
