import { createCaller } from '@kaana/api';
import { createTestApi, type TestApi } from '@kaana/api/testing';
import { createPasswords, type Stores } from '@kaana/core';
import { describe, expect, it } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { DEMO, DEMO_PASSWORD, seedDemo } from './demo.ts';

const passwords = createPasswords(4);

const signIn = async (api: TestApi, email: string, password: string) => {
  const { value } = await api.domain.sessions.signIn({ email, password }, { requestId: null, ip: null });
  return createCaller(api.context({ type: 'session', value }));
};

/** Everything that was seeded, as people and auditors see it. */
const snapshot = async (api: TestApi) => {
  const seen: Record<string, unknown> = {};
  for (const { id, name, accounts } of DEMO) {
    const page = { limit: 100 };
    const { stores } = api.database;
    const members = await stores.accounts.list(id, page);
    const projects = await stores.projects.list(id, page);
    const events = await stores.audit.list({ organizationId: id, ...page });
    expect(members).toHaveLength(accounts.length);
    seen[name] = {
      organization: (await stores.organizations.getMany([id])).get(id),
      members: members.map(({ email, role, status }) => ({ email, role, status })),
      projects: projects.map((project) => project.name),
      events: events.map(({ action, target }) => `${action} ${target.id}`).toSorted(),
    };
  }
  return seen;
};

/** The process dies at the `step`-th write of the seeding. */
const dyingAt = (stores: Stores, step: number): Stores => {
  let writes = 0;
  const counted = <Store extends object>(store: Store): Store =>
    new Proxy(store, {
      get: (target, method, receiver) => {
        const run: unknown = Reflect.get(target, method, receiver);
        if (method !== 'insert' || typeof run !== 'function') return run;
        return (...args: unknown[]) =>
          ++writes === step
            ? Promise.reject(new Error('the process died'))
            : (run as (...args: unknown[]) => unknown).apply(target, args);
      },
    });
  return {
    ...stores,
    organizations: counted(stores.organizations),
    accounts: counted(stores.accounts),
    projects: counted(stores.projects),
  };
};

const WRITES = DEMO.reduce((sum, { accounts, projects }) => sum + accounts.length + projects.length + 1, 0);

describe('the demo data', () => {
  it('is what the contract says: two organizations, four people, three projects each', async () => {
    await using api = await createTestApi();
    expect(
      await bootstrap(api.database.stores, passwords, api.clock, { demo: true, firstAdmin: undefined }),
    ).toBe('demo');
    for (const [email, role, organization, plan] of [
      ['ada@acme.test', 'admin', 'Acme', 'standard'],
      ['max@acme.test', 'member', 'Acme', 'standard'],
      ['vic@acme.test', 'viewer', 'Acme', 'standard'],
      ['grace@globex.test', 'admin', 'Globex', 'enterprise'],
    ] as const) {
      const caller = await signIn(api, email, 'demo-password');
      expect(await caller.user.me()).toMatchObject({
        email,
        role,
        organization: { name: organization, plan },
      });
      expect((await caller.projects.list()).data).toHaveLength(3);
    }
  });

  it('is the same when it is seeded twice', async () => {
    await using api = await createTestApi();
    const { stores } = api.database;
    expect(await seedDemo(stores, passwords, api.clock)).toBe(true);
    const once = await snapshot(api);
    api.clock.advance(60_000);
    expect(await seedDemo(stores, passwords, api.clock)).toBe(true);
    expect(await snapshot(api)).toEqual(once);
  });

  it('is the same when several processes seed at once', async () => {
    await using api = await createTestApi();
    const { stores } = api.database;
    await Promise.all([1, 2, 3].map(() => seedDemo(stores, passwords, api.clock)));
    const seeded = await snapshot(api);
    await seedDemo(stores, passwords, api.clock);
    expect(await snapshot(api)).toEqual(seeded);
    await signIn(api, 'ada@acme.test', DEMO_PASSWORD);
  });

  it('is completed, without a second event for anything, wherever it was interrupted', async () => {
    await using whole = await createTestApi();
    await seedDemo(whole.database.stores, passwords, whole.clock);
    const comparable = async (api: TestApi) =>
      Object.entries(await snapshot(api)).map(([name, value]) => [
        name,
        { ...(value as object), organization: name },
      ]);
    const expected = await comparable(whole);
    for (let step = 1; step <= WRITES; step += 3) {
      await using api = await createTestApi();
      const { stores } = api.database;
      await expect(seedDemo(dyingAt(stores, step), passwords, api.clock)).rejects.toThrow('died');
      expect(await seedDemo(stores, passwords, api.clock)).toBe(true);
      expect(await comparable(api), `interrupted at write ${step}`).toEqual(expected);
    }
  });

  it('leaves a database alone that somebody else uses', async () => {
    await using api = await createTestApi();
    const { stores } = api.database;
    const { organization } = await api.createTenant();
    expect(await seedDemo(stores, passwords, api.clock)).toBe(false);
    expect(await stores.organizations.findByName('Acme')).toBeNull();
    expect(await bootstrap(stores, passwords, api.clock, { demo: true, firstAdmin: undefined })).toBe(
      'ready',
    );
    expect((await stores.organizations.getMany([organization.id])).size).toBe(1);
  });

  it('does not bring back what people have deleted or renamed', async () => {
    await using api = await createTestApi();
    const { stores } = api.database;
    await seedDemo(stores, passwords, api.clock);
    const ada = await signIn(api, 'ada@acme.test', DEMO_PASSWORD);
    await ada.projects.delete({ id: 'prj_demo_acme_1' });
    await ada.organization.update({ name: 'Renamed' });
    expect(await seedDemo(stores, passwords, api.clock)).toBe(true);
    expect((await ada.projects.list()).data).toHaveLength(2);
    expect((await ada.organization.get()).name).toBe('Renamed');
  });
});

describe('the first admin', () => {
  const firstAdmin = {
    email: 'Ada@Example.com',
    password: 'correct horse battery',
    organizationName: 'Example',
  };
  const settings = { demo: false, firstAdmin };

  it('is made on an empty database, once', async () => {
    await using api = await createTestApi();
    const { stores } = api.database;
    expect(await bootstrap(stores, passwords, api.clock, settings)).toBe('first-admin');
    const ada = await signIn(api, 'ada@example.com', firstAdmin.password);
    expect(await ada.user.me()).toMatchObject({
      role: 'admin',
      organization: { name: 'Example', plan: 'standard' },
    });
    expect(await bootstrap(stores, passwords, api.clock, { ...settings, demo: true })).toBe('ready');
    expect((await ada.members.list()).data).toHaveLength(1);
  });

  it('is completed where the first start was interrupted', async () => {
    await using api = await createTestApi();
    const { stores } = api.database;
    await expect(bootstrap(dyingAt(stores, 2), passwords, api.clock, settings)).rejects.toThrow('died');
    expect(await bootstrap(stores, passwords, api.clock, settings)).toBe('first-admin');
    const ada = await signIn(api, 'ada@example.com', firstAdmin.password);
    expect((await ada.audit.list({ action: 'account.created' })).data).toHaveLength(1);
  });

  it('is not made where there is somebody already, and missed where there is nobody', async () => {
    await using api = await createTestApi();
    const { stores } = api.database;
    const nobody = { demo: false, firstAdmin: undefined };
    expect(await bootstrap(stores, passwords, api.clock, nobody)).toBe('no-account');
    await api.createTenant();
    expect(await bootstrap(stores, passwords, api.clock, settings)).toBe('ready');
    expect(await stores.accounts.findByEmail('ada@example.com')).toBeNull();
  });
});
