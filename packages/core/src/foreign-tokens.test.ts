import { generatePepper, parsePeppers } from '@kaana/api-key/digest';
import { describe, expect, it } from 'vitest';
import { createForeignTokens } from './foreign-tokens.ts';
import { createGate } from './gate.ts';
import type { ImportRule } from './imported-hash.ts';
import type { ApiKey } from './model.ts';
import type { Stores } from './stores.ts';
import { ManualTime, MemoryLimits, settled } from './testing/limits.ts';

const START = 'old_key_';
const TOKEN = `${START}0123456789`;
const RULE: ImportRule = { kind: 'start', length: START.length };

const keyWith = (id: string): ApiKey => ({
  id: `key_${id}`,
  organizationId: 'org_1',
  accountId: 'acc_1',
  name: id,
  secrets: [
    {
      id: `sec_${id}`,
      digest: `import:${id}`,
      pepperId: 'p1',
      start: START,
      createdAt: new Date(0),
      expiresAt: null,
      imported: {
        format: 'bcrypt',
        value: id,
        salt: null,
        saltPosition: 'before',
        withoutPrefix: null,
        lookup: `start:${START}`,
      },
    },
  ],
  status: 'active',
  slot: 0,
  scopes: null,
  scopesMode: 'enforce',
  scopesChangedAt: null,
  allowedIps: null,
  allowedIpsMode: 'enforce',
  allowedIpsChangedAt: null,
  limits: null,
  credits: null,
  createdAt: new Date(0),
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
});

const open = (rules: ImportRule[], keys: ApiKey[] = []) => {
  const timer = new ManualTime();
  const state = { rules, reads: 0, checks: [] as string[], running: 0, most: 0 };
  const waiting: (() => void)[] = [];
  const gate = createGate(1, 4);
  const stores = {
    limits: new MemoryLimits(timer),
    imports: {
      rules: async () => {
        state.reads++;
        return state.rules;
      },
      candidates: async () => new Map([[`start:${START}`, keys]]),
    },
  } as unknown as Stores;
  const foreign = createForeignTokens(stores, parsePeppers(generatePepper('p1')), () => 0, {
    timer,
    slowHashes: {
      verify: (token, { value }) =>
        gate(async () => {
          state.checks.push(`${token} ${value}`);
          state.most = Math.max(state.most, ++state.running);
          await new Promise<void>((resolve) => waiting.push(resolve));
          state.running--;
          return token === `${START}${value}`;
        }),
    },
  });
  /** Lets one check after the other come to its end. */
  const finish = async () => {
    for (let idle = 0; idle < 3; ) {
      await settled();
      const next = waiting.shift();
      if (next) {
        idle = 0;
        next();
      } else idle++;
    }
  };
  return { timer, state, foreign, finish };
};

describe('the import rules', () => {
  it('are believed for a second, counted from before they were asked for', async () => {
    const { foreign, timer, state } = open([]);
    expect(await Promise.all([1, 2, 3].map(() => foreign.expected()))).toEqual([false, false, false]);
    expect(state.reads).toBe(1);
    timer.advance(999);
    expect(foreign.expected()).toBe(false);
    expect(state.reads).toBe(1);
    state.rules = [RULE];
    timer.advance(1);
    expect(await foreign.expected()).toBe(true);
    expect(state.reads).toBe(2);
    // There are some for good.
    timer.advance(1_000_000);
    expect(foreign.expected()).toBe(true);
    expect(state.reads).toBe(2);
  });
});

describe('slow hashes', () => {
  it('are checked one at a time, and once for all who send the same token', async () => {
    const { foreign, state, finish } = open([RULE], ['a', '0123456789'].map(keyWith));
    const answers = Promise.all(Array.from({ length: 50 }, () => foreign.find(TOKEN, '192.0.2.1')));
    await finish();
    for (const candidate of await answers) expect(candidate?.key.id).toBe('key_0123456789');
    expect(state.checks).toEqual([`${TOKEN} a`, `${TOKEN} 0123456789`]);
    expect(state.most).toBe(1);
  });

  it('are checked once for a token that is none, however often it comes', async () => {
    const { foreign, state, finish } = open([RULE], [keyWith('a')]);
    for (let count = 0; count < 30; count++) {
      const answer = foreign.find(TOKEN, '192.0.2.1');
      await finish();
      expect(await answer).toBeNull();
    }
    expect(state.checks).toHaveLength(1);
  });

  it('keep a bounded number waiting', async () => {
    const { foreign, finish } = open([RULE], [keyWith('a')]);
    const attempts = Array.from({ length: 9 }, (_, n) =>
      foreign.find(`${START}wrong-${n}-wrong`, `192.0.2.${n}`).then(
        () => 'checked',
        (error: { code: string }) => error.code,
      ),
    );
    await finish();
    const outcomes = await Promise.all(attempts);
    expect(outcomes.filter((outcome) => outcome === 'checked')).toHaveLength(5);
    expect(outcomes.filter((outcome) => outcome === 'overloaded')).toHaveLength(4);
  });

  it('take ten guesses from an address, and fifty from all, in five minutes', async () => {
    const { foreign, timer, finish } = open([RULE], [keyWith('0123456789')]);
    const guess = async (n: number, ip: string | null, token = `${START}guess-${n}-guess`) => {
      const answer = foreign.find(token, ip).then(
        (found) => (found ? 'found' : 'none'),
        (error: { code: string }) => error.code,
      );
      await finish();
      return answer;
    };
    let guesses = 0;
    for (let count = 0; count < 10; count++) expect(await guess(guesses++, '192.0.2.1')).toBe('none');
    expect(await guess(guesses++, '192.0.2.1')).toBe('rate_limited');
    // What is right is not counted, and gets in from elsewhere.
    for (let count = 0; count < 15; count++) expect(await guess(0, '192.0.2.2', TOKEN)).toBe('found');
    for (let count = 0; count < 40; count++) expect(await guess(guesses++, null)).toBe('none');
    expect(await guess(guesses++, null)).toBe('rate_limited');
    timer.advance(5 * 60_000 + 1);
    expect(await guess(guesses++, '192.0.2.1')).toBe('none');
  });
});
