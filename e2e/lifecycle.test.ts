import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { call, keepAlive, verdict } from './call.ts';
import { ADMIN, type Created, pick, setLimit, startFleet, UNLIMITED } from './fleet.ts';
import { CallError, type Session, signIn } from './session.ts';

/** `LIFECYCLE_RUNS=2000 npx vitest run --project e2e e2e/lifecycle` for many more. */
const RUNS = Number(process.env.LIFECYCLE_RUNS ?? 10);
const MOST_STEPS = 12;
/** What a key may be asked for: an address, and the permission that it needs. */
const PROBES = [
  { path: '/api/projects?limit=1', permission: 'projects:read' },
  { path: '/api/usage', permission: 'usage:read' },
] as const;
type Scope = (typeof PROBES)[number]['permission'];

/** What should be true of a key: a few lines, against all that the servers do. */
type ModelKey = {
  readonly id: string;
  /** Newest first. A token that was rotated out is dead for good. */
  tokens: { readonly text: string; dead: boolean }[];
  scopes: readonly Scope[] | null;
  state: 'active' | 'revoked' | 'expired';
  /** Of a rotation whose new secret nobody has used: whether the old one ends with that use. */
  unused?: { readonly endsOld: boolean } | undefined;
};
type Model = { owner: 'active' | 'deactivated'; readonly keys: ModelKey[] };
type Real = {
  readonly urls: readonly string[];
  readonly admin: readonly Session[];
  readonly member: { readonly id: string; readonly email: string };
  signInAgain(): Promise<Session>;
  session: Session;
};

/** What a request gets; a token that is out may be forgotten altogether after another rotation. */
const expected = (model: Model, key: ModelKey, dead: boolean, needed: Scope): readonly string[] => {
  if (key.state === 'revoked') return dead ? ['401 key_revoked', '401 key_unknown'] : ['401 key_revoked'];
  if (key.state === 'expired') return dead ? ['401 key_expired', '401 key_unknown'] : ['401 key_expired'];
  if (dead) return ['401 key_expired', '401 key_unknown'];
  if (model.owner === 'deactivated') return ['403 account_inactive'];
  return key.scopes === null || key.scopes.includes(needed) ? ['200'] : ['403 permission_denied'];
};

const agent = keepAlive();

/** Every token that there ever was, on every process; but no new secret for the first time, which is a step of its own. */
const ask = async (model: Model, { urls }: Real): Promise<void> => {
  for (const key of model.keys) {
    for (const { text, dead } of key.tokens) {
      if (key.unused && text === key.tokens[0]?.text) continue;
      await Promise.all(
        urls.flatMap((url) =>
          PROBES.map(async ({ path, permission }) => {
            const answer = verdict(await call(agent, url, path, { token: text }));
            expect(expected(model, key, dead, permission), `${key.state} ${key.id} at ${path}`).toContain(
              answer,
            );
          }),
        ),
      );
    }
  }
};

const living = ({ tokens }: ModelKey) => tokens.filter(({ dead }) => !dead);
const active = (model: Readonly<Model>) => model.keys.filter(({ state }) => state === 'active');
const nth = <Item>(items: readonly Item[], choice: number): Item => {
  const item = items[choice % items.length];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
};

class Step implements fc.AsyncCommand<Model, Real> {
  readonly #name: string;
  readonly #possible: (model: Readonly<Model>) => boolean;
  readonly #act: (model: Model, real: Real, admin: Session) => Promise<void>;
  constructor(
    name: string,
    possible: (model: Readonly<Model>) => boolean,
    act: (m: Model, r: Real, a: Session) => Promise<void>,
  ) {
    this.#name = name;
    this.#possible = possible;
    this.#act = act;
  }
  check(model: Readonly<Model>): boolean {
    return this.#possible(model);
  }
  async run(model: Model, real: Real): Promise<void> {
    await this.#act(model, real, pick(real.admin));
    await ask(model, real);
  }
  toString(): string {
    return this.#name;
  }
}

const scopesOf = fc.constantFrom<readonly Scope[] | null>(
  null,
  ['projects:read'],
  ['usage:read'],
  ['projects:read', 'usage:read'],
);
const mayMake = (model: Readonly<Model>) => model.owner === 'active' && model.keys.length < 4;
const hasActive = (model: Readonly<Model>) => active(model).length > 0;

const create = scopesOf.map(
  (scopes) =>
    new Step(`create with ${scopes?.join(' ') ?? 'all'}`, mayMake, async (model, real) => {
      const input = { name: 'key', ...(scopes ? { scopes } : {}) };
      const { key, token } = await real.session.mutate<Created>('keys.create', input);
      model.keys.unshift({ id: key.id, tokens: [{ text: token, dead: false }], scopes, state: 'active' });
    }),
);

const importKey = scopesOf.map(
  (scopes) =>
    new Step(`import with ${scopes?.join(' ') ?? 'all'}`, mayMake, async (model, real, admin) => {
      const text = `other_${randomBytes(18).toString('hex')}`;
      const value = createHash('sha256').update(text).digest('hex');
      const line = { owner: real.member.email, name: 'imported', hash: { format: 'sha256', value } };
      const { results } = await admin.mutate<{ results: { id: string }[] }>('keys.import', {
        keys: [{ ...line, ...(scopes ? { scopes } : {}) }],
      });
      model.keys.unshift({
        id: nth(results, 0).id,
        tokens: [{ text, dead: false }],
        scopes,
        state: 'active',
      });
    }),
);

const rescope = fc.tuple(fc.nat(), scopesOf).map(
  ([choice, scopes]) =>
    new Step(`set scopes to ${scopes?.join(' ') ?? 'all'}`, hasActive, async (model, _real, admin) => {
      const key = nth(active(model), choice);
      await admin.mutate('keys.update', { id: key.id, scopes });
      key.scopes = scopes;
    }),
);

const rotate = fc.tuple(fc.nat(), fc.constantFrom(0, 3_600)).map(
  ([choice, overlapSeconds]) =>
    new Step(
      `rotate with ${overlapSeconds} s`,
      (model) => hasActive(model) && model.owner === 'active',
      async (model, _real, admin) => {
        const key = nth(active(model), choice);
        const rotation = admin.mutate<Created>('keys.rotate', { id: key.id, overlapSeconds });
        if (living(key).length > 1) {
          await expect(rotation).rejects.toMatchObject({ code: 'rotation_in_progress' });
          return;
        }
        const { token } = await rotation;
        if (overlapSeconds === 0) for (const old of key.tokens) old.dead = true;
        else key.unused = { endsOld: false };
        key.tokens.unshift({ text: token, dead: false });
      },
    ),
);

const rotateAtFirstUse = fc.nat().map(
  (choice) =>
    new Step(
      'rotate with 0 s from the first use',
      (model) => model.owner === 'active' && active(model).some((key) => living(key).length === 1),
      async (model, _real, admin) => {
        const key = nth(
          active(model).filter((one) => living(one).length === 1),
          choice,
        );
        const input = { id: key.id, overlapSeconds: 0, overlapBegins: 'firstUse' };
        const { token } = await admin.mutate<Created>('keys.rotate', input);
        key.unused = { endsOld: true };
        key.tokens.unshift({ text: token, dead: false });
      },
    ),
);

const waiting = (model: Readonly<Model>) => active(model).filter(({ unused }) => unused);

const useFirst = fc.tuple(fc.nat(), fc.nat(8)).map(
  ([choice, more]) =>
    new Step(
      'use a new secret first',
      (model) => model.owner === 'active' && waiting(model).length > 0,
      async (model, { urls }) => {
        const key = nth(waiting(model), choice);
        const [newest, ...older] = key.tokens;
        const uses = Array.from({ length: 1 + more }, () =>
          call(agent, pick(urls), '/api/user', { token: newest?.text ?? '' }),
        );
        expect(new Set((await Promise.all(uses)).map(verdict))).toEqual(new Set(['200']));
        if (key.unused?.endsOld) for (const old of older) old.dead = true;
        key.unused = undefined;
      },
    ),
);

const endRotation = fc.nat().map(
  (choice) =>
    new Step('end a rotation', hasActive, async (model, _real, admin) => {
      const key = nth(active(model), choice);
      const end = admin.mutate('keys.endRotation', { id: key.id });
      if (living(key).length < 2) {
        await expect(end).rejects.toMatchObject({ code: 'rotation_not_in_progress' });
        return;
      }
      await end;
      for (const old of key.tokens.slice(1)) old.dead = true;
      key.unused = undefined;
    }),
);

const takeBack = fc.nat().map(
  (choice) =>
    new Step(
      'take a rotation back',
      (model) => model.owner === 'active' && hasActive(model),
      async (model, _real, admin) => {
        const key = nth(active(model), choice);
        const back = admin.mutate('keys.cancelRotation', { id: key.id });
        if (living(key).length < 2 || !key.unused) {
          const code = living(key).length < 2 ? 'rotation_not_in_progress' : 'new_secret_used';
          await expect(back).rejects.toMatchObject({ code });
          return;
        }
        await back;
        const [newest] = key.tokens;
        if (newest) newest.dead = true;
        key.unused = undefined;
      },
    ),
);

const revoke = fc.nat().map(
  (choice) =>
    new Step('revoke', hasActive, async (model, _real, admin) => {
      const key = nth(active(model), choice);
      await admin.mutate('keys.revoke', { id: key.id });
      key.state = 'revoked';
    }),
);

const expire = fc.nat().map(
  (choice) =>
    new Step('expire', hasActive, async (model, _real, admin) => {
      const key = nth(active(model), choice);
      const at = Date.now() + 250;
      try {
        await admin.mutate('keys.update', { id: key.id, expiresAt: new Date(at).toISOString() });
      } catch (error) {
        // Too slow: it lay in the past when it arrived, and nothing was changed.
        if (error instanceof CallError && error.code === 'invalid_input') return;
        throw error;
      }
      while (Date.now() <= at) await new Promise((resolve) => setTimeout(resolve, 20));
      key.state = 'expired';
    }),
);

const reviveRefused = fc.nat().map(
  (choice) =>
    new Step(
      'try to bring one back',
      (model) => model.keys.some(({ state }) => state !== 'active'),
      async (model, _real, admin) => {
        const key = nth(
          model.keys.filter(({ state }) => state !== 'active'),
          choice,
        );
        const { id } = key;
        const code = key.state === 'revoked' ? 'already_revoked' : 'already_expired';
        await expect(admin.mutate('keys.rotate', { id })).rejects.toMatchObject({ code });
        await expect(
          admin.mutate('keys.update', { id, expiresAt: '2099-01-01T00:00:00Z' }),
        ).rejects.toMatchObject({ code });
      },
    ),
);

const deactivate = fc.constant(
  new Step(
    'deactivate the owner',
    ({ owner }) => owner === 'active',
    async (model, { member }, admin) => {
      await admin.mutate('members.update', { id: member.id, status: 'deactivated' });
      model.owner = 'deactivated';
    },
  ),
);
const reactivate = fc.constant(
  new Step(
    'reactivate the owner',
    ({ owner }) => owner === 'deactivated',
    async (model, real, admin) => {
      await admin.mutate('members.update', { id: real.member.id, status: 'active' });
      real.session = await real.signInAgain();
      model.owner = 'active';
    },
  ),
);

it(`a key's life is on every process what a simple model says, after every step of ${RUNS} random lives`, async () => {
  await using fleet = await startFleet([{}, {}]);
  await setLimit(fleet.site, 'Globex', UNLIMITED);
  const admin = await Promise.all(fleet.urls.map((one) => signIn(one, ADMIN)));
  const email = 'lifecycle@members.test';
  const { member, initialPassword } = await nth(admin, 0).mutate<{
    member: { id: string };
    initialPassword: string;
  }>('members.invite', { email, name: 'Lifecycle', role: 'member' });
  const signInAgain = () => signIn(pick(fleet.urls), email, initialPassword);

  let steps = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.commands(
        [
          create,
          create,
          importKey,
          rescope,
          rotate,
          rotate,
          rotateAtFirstUse,
          useFirst,
          useFirst,
          endRotation,
          takeBack,
          revoke,
          expire,
          reviveRefused,
          deactivate,
          reactivate,
        ],
        { maxCommands: MOST_STEPS, size: 'max' },
      ),
      async (commands) => {
        await nth(admin, 0).mutate('members.update', { id: member.id, status: 'active' });
        const session = await signInAgain();
        const model: Model = { owner: 'active', keys: [] };
        const real: Real = {
          urls: fleet.urls,
          admin,
          member: { id: member.id, email },
          signInAgain,
          session,
        };
        await fc.asyncModelRun(() => ({ model, real }), commands);
        steps += [...commands].length;
      },
    ),
    { numRuns: RUNS, endOnFailure: RUNS > 100 },
  );
  expect(steps).toBeGreaterThan(RUNS);
});
