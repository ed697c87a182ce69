import { mintToken } from '@kaana/api-key';
import { KEY_CHECKS, type Permission, setOrganization } from '@kaana/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type Tenant, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const HOME = '203.0.113.7';
const AWAY = '198.51.100.1';

const setOperator = ({ organization }: Tenant, operator: boolean) =>
  setOrganization(api.database.stores, api.domain.keys, api.clock, organization.name, { operator });

/** A service's own key, and who calls with it. */
const serviceOf = async (tenant: Tenant) => {
  const { token } = await tenant.as.admin.keys.create({ name: 'service', scopes: ['keys:verify'] });
  return { token, service: api.withKey(token) };
};

describe('a verdict', () => {
  it('names key and owner also of a key that is refused, and nobody of a token that there is not', async () => {
    const { as, accounts } = await api.createTenant();
    const { key, token } = await as.member.keys.create({ name: 'k' });
    await as.member.keys.revoke({ id: key.id });
    expect(await as.admin.keys.verify({ token })).toMatchObject({
      valid: false,
      code: 'key_revoked',
      key: { id: key.id },
      account: { id: accounts.member.id },
      permissions: [],
      ratelimit: null,
    });
    for (const [unknown, code] of [
      [mintToken(), 'key_unknown'],
      [`${mintToken().slice(0, -1)}-`, 'key_malformed'],
    ]) {
      expect(await as.admin.keys.verify({ token: unknown ?? '' })).toMatchObject({
        valid: false,
        code,
        key: null,
        account: null,
        organization: null,
      });
    }
  });

  it('is by the address of the caller’s caller: one that is not told is none', async () => {
    const { as } = await api.createTenant();
    const { token } = await as.member.keys.create({ name: 'k', allowedIps: ['203.0.113.0/24'] });
    for (const ip of [HOME, `::ffff:${HOME}`])
      expect(await as.admin.keys.verify({ token, ip })).toMatchObject({ valid: true });
    for (const ip of [AWAY, undefined])
      expect(await as.admin.keys.verify({ token, ip })).toMatchObject({
        valid: false,
        code: 'ip_not_allowed',
      });
    for (const ip of ['localhost', '203.0.113.7:443', '', '203.0.113.0/24'])
      await expectRefusal(as.admin.keys.verify({ token, ip }), 'invalid_input');
  });

  it('lets pass what lists in report mode would refuse, and notes it once, unless it was only asked', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.member.keys.create({
      name: 'k',
      scopes: ['projects:read'],
      scopesMode: 'report',
      allowedIps: ['203.0.113.0/24'],
      allowedIpsMode: 'report',
    });
    const question = { token, ip: AWAY, permissions: ['projects:write', 'projects:read'] as Permission[] };
    for (const cost of [0, 1])
      expect(await as.admin.keys.verify({ ...question, cost })).toMatchObject({ valid: true });
    await api.domain.wouldRefuse.flush();
    expect(await as.member.keys.wouldRefuse({ id: key.id })).toMatchObject({
      scopes: { count: 1, entries: [{ permission: 'projects:write', count: 1 }] },
      allowedIps: { count: 1, entries: [{ ip: AWAY, count: 1 }] },
    });
  });

  it('needs keys:verify, which no member has', async () => {
    const { as } = await api.createTenant();
    const { token } = await as.member.keys.create({ name: 'k' });
    await expectRefusal(as.member.keys.verify({ token }), 'permission_denied');
    await expectRefusal(api.withKey(token).keys.verifyMany({ tokens: [{ token }] }), 'permission_denied');
  });
});

describe('a cost', () => {
  it('counts as so many requests of the account, all or none', async () => {
    const { as } = await api.createTenant();
    const { token } = await as.member.keys.create({ name: 'k' });
    const verify = (cost?: number) => as.admin.keys.verify({ token, cost });
    expect(await verify(60)).toMatchObject({ valid: true, ratelimit: { limit: 100, remaining: 40 } });
    expect(await verify(41)).toMatchObject({
      valid: false,
      code: 'rate_limited',
      ratelimit: { remaining: 40 },
    });
    expect(await verify()).toMatchObject({ valid: true, ratelimit: { remaining: 39 } });
    expect(await verify(39)).toMatchObject({ valid: true, ratelimit: { remaining: 0 } });
    expect(await verify(0)).toMatchObject({
      valid: false,
      code: 'rate_limited',
      ratelimit: { remaining: 0 },
    });
    await expectRefusal(api.withKey(token).user.me(), 'rate_limited');
  });

  it('of 0 only asks: nothing is counted, as a request or as a use', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.member.keys.create({ name: 'k' });
    for (let time = 0; time < 3; time++) {
      expect(await as.admin.keys.verify({ token, cost: 0 })).toMatchObject({
        valid: true,
        ratelimit: { remaining: 100 },
      });
    }
    await api.domain.recorder.flush();
    expect((await as.member.keys.get({ id: key.id })).lastUsedAt).toBeNull();
    expect((await as.admin.usage.summary({ keyId: key.id })).totals.total).toBe(0);
  });

  it('is not taken from an account whose key is refused', async () => {
    const { as } = await api.createTenant();
    const { token } = await as.member.keys.create({ name: 'k', scopes: ['projects:read'] });
    const refused = await as.admin.keys.verify({
      token,
      cost: 50,
      permissions: ['projects:write'],
      explain: true,
    });
    expect(refused).toMatchObject({ code: 'permission_denied', ratelimit: { remaining: 100 } });
    expect(await as.admin.keys.verify({ token, cost: 0 })).toMatchObject({ ratelimit: { remaining: 100 } });
  });

  it('beyond the limit is never let in, and one that is no cost is refused', async () => {
    const { as } = await api.createTenant();
    const { token } = await as.member.keys.create({ name: 'k' });
    const beyond = await as.admin.keys.verify({ token, cost: 101 });
    expect(beyond).toMatchObject({ valid: false, code: 'rate_limited', ratelimit: { remaining: 100 } });
    expect(beyond.detail).toContain('more than its account may make in a minute, 100');
    for (const cost of [-1, 0.5, 1e6 + 1, 1e300, Number.NaN, Number.POSITIVE_INFINITY])
      await expectRefusal(as.admin.keys.verify({ token, cost }), 'invalid_input');
    expect(await as.admin.keys.verify({ token, cost: 100 })).toMatchObject({ valid: true });
  });
});

describe('a batch', () => {
  it('answers each token by itself, in order, and looks all up together', async () => {
    const { as } = await api.createTenant('enterprise');
    const one = await as.member.keys.create({ name: 'one', scopes: ['projects:read'] });
    const two = await as.member.keys.create({ name: 'two', allowedIps: [HOME] });
    const gone = await as.member.keys.create({ name: 'gone' });
    await as.member.keys.revoke({ id: gone.key.id });
    const stranger = await (await api.createTenant()).as.admin.keys.create({ name: 'theirs' });
    const tokens = [
      { token: one.token },
      { token: 'nonsense' },
      { token: two.token, ip: HOME },
      { token: two.token, ip: AWAY },
      { token: one.token, permissions: ['projects:write'] as Permission[] },
      { token: gone.token },
      { token: stranger.token },
      { token: one.token },
    ];
    const { data } = await as.admin.keys.verifyMany({ tokens });
    expect(data.map(({ code, key }) => [code, key?.name ?? null])).toEqual([
      ['valid', 'one'],
      ['key_malformed', null],
      ['valid', 'two'],
      ['ip_not_allowed', 'two'],
      ['permission_denied', 'one'],
      ['key_revoked', 'gone'],
      ['key_unknown', null],
      ['valid', 'one'],
    ]);
    expect(data.map(({ ratelimit }) => ratelimit?.remaining)).toEqual([
      5999,
      undefined,
      5998,
      undefined,
      undefined,
      undefined,
      undefined,
      5997,
    ]);
    // One by one the answers are the same, but for what is left.
    for (const [index, item] of tokens.entries()) {
      const { ratelimit: _left, ...verdict } = await as.admin.keys.verify({ ...item, cost: 0 });
      const { ratelimit: _right, ...batched } = data[index] ?? {};
      expect(batched).toEqual(verdict);
    }
  });

  it('lets in the first ones where not all fit, and a token that is there twice counts twice', async () => {
    const { as } = await api.createTenant();
    const { token } = await as.member.keys.create({ name: 'k' });
    await as.admin.keys.verify({ token, cost: 97 });
    const { data } = await as.admin.keys.verifyMany({ tokens: Array.from({ length: 6 }, () => ({ token })) });
    expect(data.map(({ valid }) => valid)).toEqual([true, true, true, false, false, false]);
    expect(data.map(({ ratelimit }) => ratelimit?.remaining)).toEqual([2, 1, 0, 0, 0, 0]);
  });

  it('takes 1 to 100, and nothing that it does not know', async () => {
    const { as } = await api.createTenant('enterprise');
    const many = (count: number) => Array.from({ length: count }, () => ({ token: mintToken() }));
    expect((await as.admin.keys.verifyMany({ tokens: many(100) })).data).toHaveLength(100);
    for (const tokens of [
      many(0),
      many(101),
      [{ token: 'x'.repeat(1001) }],
      [{ token: 'x', organization: 'y' }],
    ])
      await expectRefusal(as.admin.keys.verifyMany({ tokens }), 'invalid_input');
  });
});

describe('an explanation', () => {
  it('has every check in its order, with what was compared', async () => {
    const { as, accounts, organization } = await api.createTenant();
    const { key, token } = await as.member.keys.create({
      name: 'k',
      scopes: ['projects:read'],
      allowedIps: ['203.0.113.0/24'],
    });
    const { checks, valid } = await as.admin.keys.verify({
      token,
      ip: HOME,
      permissions: ['projects:read'],
      explain: true,
    });
    expect(valid).toBe(true);
    expect(checks?.map(({ check, outcome }) => [check, outcome])).toEqual(
      KEY_CHECKS.map((check) => [check, 'passed']),
    );
    expect(checks?.map(({ values }) => values)).toMatchObject([
      { length: 44 },
      {},
      { keyId: key.id },
      { id: organization.id, name: organization.name },
      { status: 'active', revokedAt: null },
      { expiresAt: null },
      { start: key.start, expiresAt: null },
      { ids: [] },
      { accountId: accounts.member.id, status: 'active', role: 'member' },
      { ip: HOME, allowedIps: ['203.0.113.0/24'], mode: 'enforce' },
      { wanted: ['projects:read'], held: ['projects:read'], scopes: ['projects:read'], mode: 'enforce' },
      { cost: 1, limit: 100, remaining: 99 },
    ]);
    expect((await as.admin.keys.verify({ token, ip: HOME })).checks).toBeUndefined();
  });

  it('tells all that is wrong, the first as the answer, and takes no admission', async () => {
    const { as, accounts } = await api.createTenant();
    const { key, token } = await as.member.keys.create({
      name: 'k',
      scopes: ['projects:read'],
      allowedIps: ['203.0.113.0/24'],
      expiresAt: new Date(api.clock() + 1_000).toISOString(),
    });
    api.clock.advance(1_000);
    await as.admin.keys.revoke({ id: key.id, reason: 'lost' });
    await as.admin.members.update({ id: accounts.member.id, status: 'deactivated' });
    const verdict = await as.admin.keys.verify({
      token,
      ip: AWAY,
      permissions: ['projects:write'],
      explain: true,
    });
    expect(verdict).toMatchObject({ valid: false, code: 'key_revoked', ratelimit: { remaining: 100 } });
    const failed = verdict.checks?.filter(({ outcome }) => outcome === 'failed');
    expect(failed?.map(({ check, code }) => [check, code])).toEqual([
      ['key_status', 'key_revoked'],
      ['key_expiry', 'key_expired'],
      ['owner', 'account_inactive'],
      ['address', 'ip_not_allowed'],
      ['permissions', 'permission_denied'],
    ]);
    expect(verdict.checks?.find(({ check }) => check === 'key_status')?.values).toMatchObject({
      revokedReason: 'lost',
    });
  });

  it('marks what only a list in report mode would refuse', async () => {
    const { as } = await api.createTenant();
    const { token } = await as.member.keys.create({
      name: 'k',
      scopes: ['projects:read'],
      scopesMode: 'report',
      allowedIps: [HOME],
      allowedIpsMode: 'report',
    });
    const { valid, checks } = await as.admin.keys.verify({
      token,
      ip: AWAY,
      permissions: ['projects:write'],
      explain: true,
      cost: 0,
    });
    expect(valid).toBe(true);
    expect(
      checks?.filter(({ outcome }) => outcome !== 'passed').map(({ check, outcome }) => [check, outcome]),
    ).toEqual([
      ['address', 'reported'],
      ['permissions', 'reported'],
    ]);
  });

  it('tells form, checksum and unknown apart, and never repeats a token', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.member.keys.create({ name: 'k' });
    const outcomes = async (text: string) => {
      const verdict = await as.admin.keys.verify({ token: text, explain: true });
      expect(JSON.stringify(verdict)).not.toContain(text);
      return verdict.checks?.slice(0, 4).map(({ outcome }) => outcome);
    };
    expect(await outcomes('nonsense')).toEqual(['failed', 'skipped', 'skipped', 'skipped']);
    const last = token.endsWith('A') ? 'B' : 'A';
    expect(await outcomes(`${token.slice(0, -1)}${last}`)).toEqual([
      'passed',
      'failed',
      'skipped',
      'skipped',
    ]);
    expect(await outcomes(mintToken())).toEqual(['passed', 'passed', 'failed', 'skipped']);
    expect(await outcomes(token)).toEqual(['passed', 'passed', 'passed', 'passed']);
    await as.member.keys.revoke({ id: key.id });
    await outcomes(token);
  });

  it('finds wrong what a request finds wrong: the first that failed has the code of the answer', async () => {
    const { as, accounts } = await api.createTenant('enterprise');
    const states: (() => Promise<unknown>)[] = [
      async () => {},
      () => as.admin.members.update({ id: accounts.member.id, role: 'viewer' }),
      () => as.admin.members.update({ id: accounts.member.id, status: 'deactivated' }),
      async () => api.clock.advance(3_600_000),
    ];
    const expiresAt = new Date(api.clock() + 3_600_000).toISOString();
    const created = [
      await as.member.keys.create({ name: 'plain' }),
      await as.member.keys.create({ name: 'scoped', scopes: ['projects:write'], expiresAt }),
      await as.member.keys.create({ name: 'held', allowedIps: [HOME] }),
      await as.member.keys.create({ name: 'reported', allowedIps: [HOME], allowedIpsMode: 'report' }),
    ];
    const { key, token } = await as.member.keys.create({ name: 'rotated' });
    await as.member.keys.rotate({ id: key.id, overlapSeconds: 1_800 });
    const tokens = [...created.map((one) => one.token), token];
    for (const change of states) {
      await change();
      for (const each of tokens) {
        for (const ip of [HOME, AWAY]) {
          const request = await api
            .withKey(each, { ip })
            .projects.create({ name: 'p' })
            .then(
              () => 'valid',
              (error: { cause?: { code?: string }; code?: string }) => error.cause?.code ?? error.code,
            );
          const permissions: Permission[] = ['projects:write'];
          const verdict = await as.admin.keys.verify({ token: each, ip, permissions, explain: true });
          expect(verdict.code).toBe(request);
          const first = verdict.checks?.find(({ outcome }) => outcome === 'failed');
          expect(first?.code ?? 'valid').toBe(request);
        }
      }
    }
  });
});

describe('keys of other organizations', () => {
  it('are not there, explained or not, alone or in a batch, whatever their state', async () => {
    const [mine, theirs] = [await api.createTenant(), await api.createTenant()];
    const { service } = await serviceOf(mine);
    const { key, token } = await theirs.as.admin.keys.create({ name: 'secret name', allowedIps: [HOME] });
    const ask = async (text: string) => [
      await service.keys.verify({ token: text, ip: AWAY, explain: true }),
      ...(await service.keys.verifyMany({ tokens: [{ token: text, cost: 5 }], explain: true })).data,
    ];
    const unknown = await ask(mintToken());
    expect(await ask(token)).toEqual(unknown);
    await theirs.as.admin.keys.revoke({ id: key.id });
    expect(await ask(token)).toEqual(unknown);
    expect(JSON.stringify(unknown)).not.toContain(theirs.organization.id);
    // Nothing was counted against them.
    const other = await theirs.as.admin.keys.create({ name: 'other' });
    expect(await theirs.as.admin.keys.verify({ token: other.token, cost: 0 })).toMatchObject({
      ratelimit: { remaining: 100 },
    });
  });

  it('are an operator’s keys to verify, at once and until it is none any more; not its people’s', async () => {
    const [operator, theirs] = [await api.createTenant(), await api.createTenant()];
    const { service } = await serviceOf(operator);
    const { key, token } = await theirs.as.member.keys.create({ name: 'k' });
    expect(await service.keys.verify({ token })).toMatchObject({ code: 'key_unknown' });
    await setOperator(operator, true);
    expect(await service.keys.verify({ token, explain: true })).toMatchObject({
      valid: true,
      key: { id: key.id },
      organization: { id: theirs.organization.id },
      // The limit of the key's own account.
      ratelimit: { limit: 100, remaining: 99 },
    });
    expect((await service.keys.verifyMany({ tokens: [{ token }] })).data).toMatchObject([{ valid: true }]);
    expect(await operator.as.admin.keys.verify({ token })).toMatchObject({ code: 'key_unknown' });
    // It is the only thing that an operator's key can do elsewhere.
    const { token: full } = await operator.as.admin.keys.create({ name: 'full' });
    await expectRefusal(api.withKey(full).keys.get({ id: key.id }), 'not_found');
    await expectRefusal(api.withKey(full).keys.revoke({ id: key.id }), 'not_found');
    // Other organizations do not become operators by it.
    const { service: stranger } = await serviceOf(theirs);
    const own = await operator.as.admin.keys.create({ name: 'own' });
    expect(await stranger.keys.verify({ token: own.token })).toMatchObject({ code: 'key_unknown' });
    await setOperator(operator, false);
    expect(await service.keys.verify({ token })).toMatchObject({ code: 'key_unknown' });
  });

  it('become an operator’s by the command line alone, and the audit log says so', async () => {
    const tenant = await api.createTenant();
    await expectRefusal(
      tenant.as.admin.organization.update({ name: tenant.organization.name, operator: true } as never),
      'invalid_input',
    );
    expect((await tenant.as.admin.organization.get()).operator).toBe(false);
    await setOperator(tenant, true);
    expect((await tenant.as.admin.organization.get()).operator).toBe(true);
    const { data } = await tenant.as.admin.audit.list({ limit: 1 });
    expect(data).toMatchObject([
      { actor: { type: 'operator' }, changes: { operator: { from: false, to: true } } },
    ]);
  });

  it('are not an operator’s in an organization of before, stored without the field', async () => {
    const tenant = await api.createTenant();
    const { service } = await serviceOf(tenant);
    const id = tenant.organization.id as never;
    await api.database.raw('organizations').updateOne({ _id: id }, { $unset: { operator: 1 } });
    const { token } = await (await api.createTenant()).as.admin.keys.create({ name: 'k' });
    expect(await service.keys.verify({ token })).toMatchObject({ code: 'key_unknown' });
    expect((await tenant.as.admin.organization.get()).operator).toBe(false);
  });
});
