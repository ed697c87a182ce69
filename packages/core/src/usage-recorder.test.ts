import { mintToken } from '@kaana/api-key';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Account, Organization } from './model.ts';
import { NO_POLICIES } from './policies.ts';
import { createPrincipal, type Principal } from './principal.ts';
import type { ActivityDelta, UsageDelta, UsageStore } from './stores.ts';
import { MINUTE_MS, noCounts, OUTCOMES, type Outcome, outcomeOf, startOfMinute, total } from './usage.ts';
import { type RecorderBounds, UsageRecorder, type Use } from './usage-recorder.ts';

const organization: Organization = {
  id: 'org_1',
  name: 'Acme',
  plan: 'standard',
  requestsPerMinute: null,
  policies: NO_POLICIES,
  operator: false,
  createdAt: new Date(0),
};
const account: Account = {
  id: 'acc_1',
  organizationId: 'org_1',
  email: 'ada@acme.test',
  name: 'Ada',
  role: 'admin',
  status: 'active',
  passwordHash: '',
  limits: null,
  createdAt: new Date(0),
  lastSignedInAt: null,
};
const principalOf = (keyId: string, secretId = `sec_${keyId}`): Principal =>
  createPrincipal(account, organization, null, {
    type: 'key',
    keyId,
    keyName: keyId,
    secretId,
    quotas: null,
  });

/** What a database makes of the deltas. `add` may be held up and made to fail. */
class Ledger implements UsageStore {
  readonly counts = new Map<string, Record<Outcome, number>>();
  readonly batches: { usage: readonly UsageDelta[]; activity: readonly ActivityDelta[] }[] = [];
  before: () => Promise<void> = () => Promise.resolve();

  async add(usage: readonly UsageDelta[], activity: readonly ActivityDelta[]): Promise<void> {
    await this.before();
    this.batches.push({ usage, activity });
    for (const { keyId, minute, counts } of usage) {
      const sum = this.counts.get(`${keyId}:${minute}`) ?? noCounts();
      for (const outcome of OUTCOMES) sum[outcome] += counts[outcome];
      this.counts.set(`${keyId}:${minute}`, sum);
    }
  }
  byKey = () => Promise.reject(new Error('not asked'));
  byAccount = () => Promise.reject(new Error('not asked'));
  days = () => Promise.reject(new Error('not asked'));
  peaks = () => Promise.reject(new Error('not asked'));
  series = () => Promise.reject(new Error('not asked'));
  activity = () => Promise.resolve(new Map());
  forgetSecrets = () => Promise.reject(new Error('not asked'));
  rollUp = () => Promise.resolve(false);
}

const start = (bounds?: RecorderBounds) => {
  const ledger = new Ledger();
  let now = 10 * MINUTE_MS;
  const recorder = new UsageRecorder(ledger, () => now, bounds);
  const use = (keyId: string, outcome: Outcome = 'served') =>
    recorder.record({ principal: principalOf(keyId), outcome, ip: '192.0.2.1', userAgent: 'vitest' });
  const advance = (ms: number) => {
    now += ms;
  };
  return { ledger, recorder, use, advance };
};

describe('an outcome', () => {
  it.each([
    [200, 'served'],
    [201, 'served'],
    [302, 'served'],
    [400, 'clientError'],
    [403, 'denied'],
    [404, 'clientError'],
    [429, 'rateLimited'],
    [499, 'clientError'],
    [500, 'serverError'],
    [503, 'serverError'],
  ] as const)('of %i is %s', (status, outcome) => {
    expect(outcomeOf(status)).toBe(outcome);
  });
});

describe('the usage recorder', () => {
  it('writes one entry per key and minute, however many the requests', async () => {
    const { ledger, recorder, use, advance } = start();
    for (let count = 0; count < 1000; count++) use('key_1', count % 2 ? 'served' : 'denied');
    use('key_2');
    advance(MINUTE_MS);
    use('key_1');
    await recorder.flush();
    expect(ledger.batches).toHaveLength(1);
    expect(ledger.batches[0]?.usage).toHaveLength(3);
    expect(ledger.batches[0]?.activity).toHaveLength(2);
    expect(ledger.counts.get(`key_1:${10 * MINUTE_MS}`)).toMatchObject({ served: 500, denied: 500 });
    expect(ledger.counts.get(`key_1:${11 * MINUTE_MS}`)).toMatchObject({ served: 1, denied: 0 });
  });

  it('writes nothing where nothing was used, and nothing for sessions', async () => {
    const { ledger, recorder } = start();
    const principal = createPrincipal(account, organization, null, { type: 'session', digest: 'd' });
    recorder.record({ principal, outcome: 'served', ip: null, userAgent: null });
    await recorder.flush();
    expect(ledger.batches).toEqual([]);
  });

  it('keeps last use per secret, so that a rotation shows which one is still in use', async () => {
    const { ledger, recorder, advance } = start();
    const record = (secretId: string, ip: string | null, userAgent: string | null) =>
      recorder.record({ principal: principalOf('key_1', secretId), outcome: 'served', ip, userAgent });
    record('sec_old', '192.0.2.9', 'wget');
    record('sec_old', '192.0.2.1', 'curl');
    advance(5);
    record('sec_new', null, null);
    await recorder.flush();
    expect(ledger.batches[0]?.activity).toEqual([
      {
        keyId: 'key_1',
        lastUsedAt: new Date(10 * MINUTE_MS + 5),
        ip: '',
        userAgent: '',
        secrets: {
          sec_old: { at: new Date(10 * MINUTE_MS), ip: '192.0.2.1', userAgent: 'curl' },
          sec_new: { at: new Date(10 * MINUTE_MS + 5), ip: '', userAgent: '' },
        },
        permissions: {},
        permissionsSince: new Date(10 * MINUTE_MS),
      },
    ]);
  });

  it('keeps what the key was used for, also over a failed write', async () => {
    const { ledger, recorder, advance } = start();
    const record = (exercised: Use['exercised']) =>
      recorder.record({
        principal: principalOf('key_1'),
        outcome: 'served',
        ip: null,
        userAgent: null,
        ...(exercised === undefined ? {} : { exercised }),
      });
    record('projects:read');
    record('projects:write');
    ledger.before = () => Promise.reject(new Error('away'));
    const failed = recorder.flush();
    advance(5);
    record(['projects:read', 'usage:read']);
    record(null);
    record(undefined);
    await expect(failed).rejects.toThrow('away');
    ledger.before = () => Promise.resolve();
    await recorder.flush();
    const [first, second] = [new Date(10 * MINUTE_MS), new Date(10 * MINUTE_MS + 5)];
    expect(ledger.batches[0]?.activity).toMatchObject([
      {
        permissions: { 'projects:read': second, 'projects:write': first, 'usage:read': second },
        permissionsSince: first,
      },
    ]);
  });

  it('stores no token, and no end of text, that a client calls itself', async () => {
    const { ledger, recorder } = start();
    const token = mintToken();
    recorder.record({
      principal: principalOf('key_1'),
      outcome: 'served',
      ip: null,
      userAgent: `curl ${token} ${'x'.repeat(5_000)}`,
    });
    await recorder.flush();
    const userAgent = ledger.batches[0]?.activity[0]?.userAgent ?? '';
    expect(userAgent).toMatch(/^curl kaana_/);
    expect(userAgent).not.toContain(token);
    expect(userAgent.length).toBeLessThanOrEqual(200);
  });

  it('does not lose the newer use when an older one could not be written', async () => {
    const { ledger, recorder, use, advance } = start();
    let fail = () => {};
    ledger.before = () =>
      new Promise((_resolve, reject) => {
        fail = () => reject(new Error('away'));
      });
    use('key_1');
    const flushing = recorder.flush();
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    advance(7);
    use('key_1', 'denied');
    fail();
    await expect(flushing).rejects.toThrow('away');
    ledger.before = () => Promise.resolve();
    await recorder.flush();
    expect(ledger.batches[0]?.activity[0]?.lastUsedAt).toEqual(new Date(10 * MINUTE_MS + 7));
    expect(ledger.counts.get(`key_1:${10 * MINUTE_MS}`)).toMatchObject({ served: 1, denied: 1 });
  });

  it('counts what is written more than 30 minutes late for the minute in which it is written', async () => {
    const { ledger, recorder, use, advance } = start();
    ledger.before = () => Promise.reject(new Error('away'));
    use('key_1');
    advance(MINUTE_MS);
    use('key_1', 'denied');
    await expect(recorder.flush()).rejects.toThrow('away');
    advance(30 * MINUTE_MS);
    use('key_1');
    ledger.before = () => Promise.resolve();
    await recorder.flush();
    expect(Object.fromEntries(ledger.counts)).toEqual({
      [`key_1:${11 * MINUTE_MS}`]: { ...noCounts(), denied: 1 },
      [`key_1:${41 * MINUTE_MS}`]: { ...noCounts(), served: 2 },
    });
  });

  it('writes in batches, and after a failure only those that have not been written', async () => {
    const { ledger, recorder, use } = start({ pending: 100, activity: 100, batch: 2 });
    for (const key of ['key_1', 'key_2', 'key_3', 'key_4', 'key_5']) use(key);
    let calls = 0;
    ledger.before = () => (++calls === 2 ? Promise.reject(new Error('away')) : Promise.resolve());
    await expect(recorder.flush()).rejects.toThrow('away');
    await recorder.flush();
    expect(ledger.batches.map(({ usage }) => usage.map(({ keyId }) => keyId))).toEqual([
      ['key_1', 'key_2'],
      ['key_3', 'key_4'],
      ['key_5'],
    ]);
    expect(ledger.batches.flatMap(({ activity }) => activity)).toHaveLength(5);
  });

  it('forgets the first of too many last uses, and no count', async () => {
    const { ledger, recorder, use } = start({ pending: 2, activity: 2, batch: 100 });
    for (const key of ['key_1', 'key_2', 'key_3']) use(key);
    await recorder.flush();
    expect(ledger.batches[0]?.activity.map(({ keyId }) => keyId)).toEqual(['key_2', 'key_3']);
    expect(ledger.batches[0]?.usage.map(({ keyId }) => keyId)).toEqual(['key_1', 'key_2', 'key_3']);
  });

  it('loses no count and counts none too early, however long the database is away and however little room', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          key: fc.constantFrom('key_1', 'key_2'),
          outcome: fc.constantFrom(...OUTCOMES),
        }),
      },
      { weight: 2, arbitrary: fc.record({ fails: fc.boolean() }) },
      { weight: 3, arbitrary: fc.record({ minutes: fc.integer({ min: -2, max: 40 }) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), fc.nat(6), async (steps, pending) => {
        const ledger = new Ledger();
        let now = 1_000 * MINUTE_MS;
        const recorder = new UsageRecorder(ledger, () => now, { pending, activity: 1, batch: 2 });
        const uses: { at: number; key: string; outcome: Outcome }[] = [];
        for (const event of steps) {
          if ('key' in event) {
            recorder.record({
              principal: principalOf(event.key),
              outcome: event.outcome,
              ip: null,
              userAgent: null,
            });
            uses.push({ at: now, ...event });
          } else if ('minutes' in event) now += event.minutes * MINUTE_MS;
          else {
            ledger.before = () => (event.fails ? Promise.reject(new Error('away')) : Promise.resolve());
            const before = ledger.batches.length;
            await recorder.flush().catch(() => undefined);
            for (const { usage } of ledger.batches.slice(before))
              for (const { minute } of usage) expect(now - minute).toBeLessThanOrEqual(30 * MINUTE_MS);
          }
        }
        ledger.before = () => Promise.resolve();
        await recorder.flush();
        const written = [...ledger.counts].map(([id, counts]) => {
          const [key = '', minute = ''] = id.split(':');
          return { key, minute: Number(minute), counts };
        });
        for (const key of ['key_1', 'key_2'])
          for (const outcome of OUTCOMES) {
            const usedUntil = (at: number) =>
              uses.filter((use) => use.key === key && use.outcome === outcome && use.at <= at).length;
            const writtenUntil = (at: number) =>
              written
                .filter((entry) => entry.key === key && entry.minute <= at)
                .reduce((sum, { counts }) => sum + counts[outcome], 0);
            expect(writtenUntil(Number.POSITIVE_INFINITY)).toBe(usedUntil(Number.POSITIVE_INFINITY));
            for (const { minute } of written)
              expect(writtenUntil(minute)).toBeLessThanOrEqual(usedUntil(minute));
          }
      }),
      { numRuns: 200 },
    );
  });

  it('counts everything exactly once, whatever fails and however flushes overlap', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          type: fc.constant('use' as const),
          key: fc.constantFrom('key_1', 'key_2', 'key_3'),
          outcome: fc.constantFrom(...OUTCOMES),
        }),
      },
      { weight: 3, arbitrary: fc.record({ type: fc.constant('flush' as const), fails: fc.boolean() }) },
      // Never so long in all that a count would be late.
      { weight: 1, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.nat(MINUTE_MS / 2) }) },
      { weight: 2, arbitrary: fc.constant({ type: 'turn' as const }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const ledger = new Ledger();
        let now = 0;
        const recorder = new UsageRecorder(ledger, () => now);
        const expected = new Map<string, Record<Outcome, number>>();
        const outcomes: boolean[] = [];
        ledger.before = async () => {
          await new Promise((resolve) => setImmediate(resolve));
          if (outcomes.shift()) throw new Error('away');
        };
        const flushes: Promise<unknown>[] = [];
        for (const event of steps) {
          if (event.type === 'use') {
            recorder.record({
              principal: principalOf(event.key),
              outcome: event.outcome,
              ip: null,
              userAgent: null,
            });
            const id = `${event.key}:${startOfMinute(now)}`;
            const sum = expected.get(id) ?? noCounts();
            sum[event.outcome]++;
            expected.set(id, sum);
          } else if (event.type === 'flush') {
            outcomes.push(event.fails);
            flushes.push(recorder.flush().catch(() => undefined));
          } else if (event.type === 'wait') now += event.ms;
          else await new Promise((resolve) => setImmediate(resolve));
        }
        await Promise.all(flushes);
        outcomes.length = 0;
        await recorder.flush();
        expect(Object.fromEntries(ledger.counts)).toEqual(Object.fromEntries(expected));
        for (const { usage } of ledger.batches)
          for (const { counts } of usage) expect(total(counts)).toBeGreaterThan(0);
      }),
      { numRuns: 100 },
    );
  });
});
