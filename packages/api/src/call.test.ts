import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directCall, type Procedure } from './call.ts';
import type { Context } from './context.ts';
import { kaanaErrorOf } from './errors.ts';
import { proceduresOf } from './rest.ts';
import { appRouter, createCaller } from './root.ts';
import { createTestApi, PASSWORD, type Tenant, type TestApi } from './testing/index.ts';

let api: TestApi;
let tenant: Tenant;
let token: string;
beforeAll(async () => {
  api = await createTestApi();
  tenant = await api.createTenant('enterprise');
  ({ token } = await tenant.as.admin.keys.create({ name: 'key' }));
});
afterAll(() => api[Symbol.asyncDispose]());

type Outcome = { readonly result: unknown } | { readonly error: unknown };
type Calls = Record<string, Record<string, (input: unknown) => Promise<unknown>>>;

const outcomeOf = async (work: () => Promise<unknown>): Promise<Outcome> => {
  try {
    return { result: await work() };
  } catch (error) {
    const known = kaanaErrorOf(error);
    return { error: known ? { code: known.code, message: known.message, errors: known.errors } : error };
  }
};

const ours = (name: string, context: Context, input: unknown) => {
  const definition = proceduresOf(appRouter).find(([candidate]) => candidate === name)?.[1];
  if (!definition) throw new Error(`no procedure ${name}`);
  const procedure: Procedure = { _def: definition };
  return outcomeOf(() => directCall(name, procedure)(context, input));
};
const theirs = (name: string, context: Context, input: unknown) => {
  const [noun = '', verb = ''] = name.split('.');
  return outcomeOf(async () => (createCaller(context) as unknown as Calls)[noun]?.[verb]?.(input));
};
const names = proceduresOf(appRouter).map(([name]) => name);
/** They change something, or depend on how often they were called. */
const CHANGING = new Set(['keys.leaked', 'session.signIn', 'session.signOut', 'user.changePassword']);

describe("a call without tRPC's caller", () => {
  it.each(names)(
    'of %s ends as it does there: without credentials, and for an input that is wrong',
    async (name) => {
      const nobody = () => api.context({ type: 'none' });
      const key = () => api.context({ type: 'key', token });
      for (const context of [nobody, key]) {
        for (const input of [{ nonsense: true }, 'text', null]) {
          expect(await ours(name, context(), input)).toEqual(await theirs(name, context(), input));
        }
      }
      if (!CHANGING.has(name)) {
        expect(await ours(name, nobody(), undefined)).toEqual(await theirs(name, nobody(), undefined));
      }
    },
  );

  it('gives the same results, with the defaults of the contract filled in and nothing that is not in it', async () => {
    const { id } = await tenant.as.admin.projects.create({ name: 'Project' });
    const inputs: Record<string, unknown> = {
      'user.me': undefined,
      'keys.list': { limit: 1 },
      'projects.list': undefined,
      'projects.get': { id },
      'members.list': undefined,
      'organization.get': undefined,
      'audit.list': { limit: 2 },
      'projects.update': { id, description: 'described' },
    };
    for (const [name, input] of Object.entries(inputs)) {
      const context = () => api.context({ type: 'key', token });
      const outcome = await ours(name, context(), input);
      expect(outcome).toHaveProperty('result');
      const { updatedAt: _at, ...result } = (outcome as { result: Record<string, unknown> }).result;
      const { updatedAt: _theirs, ...expected } = (
        (await theirs(name, context(), input)) as { result: Record<string, unknown> }
      ).result;
      expect(result).toEqual(expected);
    }
  });

  it('tells the transport what the procedure has told it', async () => {
    const limited = api.context({ type: 'key', token });
    await ours('user.me', limited, undefined);
    expect(limited.response.rateLimit).toMatchObject({ allowed: true, limit: 6000 });
    const signedIn = api.context({ type: 'none' });
    await ours('session.signIn', signedIn, { email: tenant.accounts.viewer.email, password: PASSWORD });
    expect(signedIn.response.session?.value).toMatch(/./);
  });
});
