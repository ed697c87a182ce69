import { randomBytes } from 'node:crypto';
import { generatePepper, type Peppers, parsePeppers } from '@kaana/api-key/digest';
import {
  type Account,
  type ApiKey,
  createDomain,
  createOrganization,
  createPasswords,
  createWebhookTargets,
  type Domain,
  type Organization,
  type Plan,
  type Role,
} from '@kaana/core';
import { openTestDatabase, type TestDatabase } from '@kaana/db/testing';
import type { Context, Credential } from '../context.ts';
import { createCaller } from '../root.ts';

export const PASSWORD = 'correct horse battery';

/** Quick, for tests that are not about the cost. */
const passwords = createPasswords(4);
const peppers = parsePeppers(generatePepper('test'));

/** Names have an address that is public, or the one in front of `.test`; nobody is asked. */
const webhookTargets = createWebhookTargets('public', async (name) => [
  /^([\d-]+)\.test$/.exec(name)?.[1]?.replaceAll('-', '.') ?? '93.184.215.14',
]);

/** Time that stands still until it is moved. It starts now, since the database has a clock of its own. */
export type TestClock = { (): number; advance(ms: number): void };
const createTestClock = (): TestClock => {
  let now = Date.now();
  return Object.assign(() => now, {
    advance: (ms: number) => {
      now += ms;
    },
  });
};

export type Caller = ReturnType<typeof createCaller>;
export type Tenant = {
  readonly organization: Organization;
  readonly accounts: Readonly<Record<Role, Account>>;
  /** Callers signed in as the tenant's accounts. */
  readonly as: Readonly<Record<Role, Caller>>;
};

export type TestApi = AsyncDisposable & {
  readonly database: TestDatabase;
  readonly domain: Domain;
  readonly peppers: Peppers;
  readonly clock: TestClock;
  /** A new organization with one account of each role. Nothing is shared between tests but the server. */
  createTenant(plan?: Plan): Promise<Tenant>;
  context(credential: Credential, options?: { organization?: string; ip?: string }): Context;
  withKey(token: string, options?: { organization?: string; ip?: string }): Caller;
  anonymous(): Caller;
  anonymousFrom(ip: string): Caller;
  signIn(email: string): Promise<Caller>;
  /** The key as it is stored. */
  stored(tenant: Tenant, id: string): Promise<ApiKey | null>;
};

export const createTestApi = async (): Promise<TestApi> => {
  const database = await openTestDatabase();
  const clock = createTestClock();
  const domain = createDomain({ stores: database.stores, peppers, passwords, clock, webhookTargets });

  const context: TestApi['context'] = (credential, { organization, ip } = {}) => ({
    domain,
    origin: { requestId: 'test-request', ip: ip ?? '127.0.0.1' },
    userAgent: 'vitest',
    credential,
    organization: organization ?? null,
    response: {},
  });
  const signIn = async (email: string): Promise<Caller> => {
    const { value } = await domain.sessions.signIn(
      { email, password: PASSWORD },
      { requestId: null, ip: null },
    );
    return createCaller(context({ type: 'session', value }));
  };

  return {
    database,
    domain,
    peppers,
    clock,
    context,
    signIn,
    withKey: (token, options) => createCaller(context({ type: 'key', token }, options)),
    anonymous: () => createCaller(context({ type: 'none' })),
    anonymousFrom: (ip) => createCaller(context({ type: 'none' }, { ip })),
    stored: (tenant, id) => database.stores.keys.get(tenant.organization.id, id),
    createTenant: async (plan = 'standard') => {
      const mark = randomBytes(6).toString('hex');
      const account = (role: Role) => ({
        email: `${role}@${mark}.test`,
        name: `${role} of ${mark}`,
        role,
        password: PASSWORD,
      });
      const { organization, accounts } = await createOrganization(database.stores, passwords, clock, {
        name: `Organization ${mark}`,
        plan,
        accounts: [account('admin'), account('member'), account('viewer')],
      });
      const [admin, member, viewer] = accounts;
      if (!admin || !member || !viewer) throw new Error('three accounts in, fewer out');
      return {
        organization,
        accounts: { admin, member, viewer },
        as: {
          admin: await signIn(admin.email),
          member: await signIn(member.email),
          viewer: await signIn(viewer.email),
        },
      };
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
};
