import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { z as zod } from 'zod';
import { kaanaErrorOf } from './errors.ts';
import { proceduresOf } from './rest.ts';
import { appRouter } from './root.ts';
import { type Caller, createTestApi, type Tenant, type TestApi } from './testing/index.ts';

/**
 * Walks the router by itself, so that a new procedure joins by itself: every procedure is called by an admin of one
 * organization with everything that could name something of another one.
 */
type JsonSchema = {
  type?: string;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  pattern?: string;
  format?: string;
  minimum?: number;
};

let api: TestApi;
let victim: Tenant;
let attacker: Tenant;
/** Everything by which something of the victim can be named. */
let names: string[];
let token: string;
/** Texts that stand in the victim's data and nowhere else. */
let secrets: string[];

const SECRET = 'SECRET-of-the-victim';

beforeAll(async () => {
  api = await createTestApi();
  victim = await api.createTenant();
  attacker = await api.createTenant();
  const created = await victim.as.admin.keys.create({ name: `${SECRET} key` });
  token = created.token;
  const project = await victim.as.admin.projects.create({ name: `${SECRET} project` });
  await api.withKey(token).projects.list();
  await api.domain.recorder.flush();
  const { admin, member, viewer } = victim.accounts;
  const events = (await victim.as.admin.audit.list()).data.map(({ id }) => id);
  names = [
    created.key.id,
    project.id,
    victim.organization.id,
    admin.id,
    member.id,
    viewer.id,
    ...events.slice(0, 3),
  ];
  secrets = [SECRET, ...names, created.key.start, victim.organization.name, admin.email, member.email];
});
afterAll(() => api[Symbol.asyncDispose]());

const TEXT = 'some text 123';

const sample = (schema: JsonSchema): unknown => {
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return sample(schema.anyOf.find(({ type }) => type !== 'null') ?? {});
  switch (schema.type) {
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1);
    case 'boolean':
      return true;
    case 'array':
      return [sample(schema.items ?? {})];
    case 'object':
      return fill(schema, () => undefined);
    default:
      if (schema.format === 'date-time') return new Date(Date.now() + 3600_000).toISOString();
      if (schema.format === 'email' || schema.pattern?.includes('@'))
        return `new-${Math.random()}@attacker.test`;
      if (schema.format === 'ipv4') return '192.0.2.1';
      return schema.pattern && !new RegExp(schema.pattern).test(TEXT) ? 'a' : TEXT;
  }
};

const fill = (schema: JsonSchema, given: (field: string) => unknown): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([field, property]) => [
      field,
      given(field) ?? sample(property),
    ]),
  );

/** Inputs that name the victim's things: every text field in turn takes every name, with and without the optional ones. */
const attacks = (input: z.ZodType | undefined): unknown[] => {
  if (!input) return [undefined];
  const schema = zod.toJSONSchema(input, { io: 'input' }) as JsonSchema;
  const fields = Object.entries(schema.properties ?? {});
  const required = new Set(schema.required ?? []);
  const all: unknown[] = [fill(schema, () => undefined)];
  for (const [field, property] of fields) {
    if (property.type !== 'string' || property.enum || property.format) continue;
    for (const name of [...names, token]) {
      const full = fill(schema, (other) => (other === field ? name : undefined));
      all.push(
        full,
        Object.fromEntries(Object.entries(full).filter(([key]) => key === field || required.has(key))),
      );
    }
  }
  return all;
};

type Invocable = Record<string, Record<string, (input: unknown) => Promise<unknown>>>;
const call = (caller: Caller, name: string, input: unknown): Promise<unknown> => {
  const [noun = '', verb = ''] = name.split('.');
  const run = (caller as unknown as Invocable)[noun]?.[verb];
  if (!run) throw new Error(`no procedure ${name}`);
  return run(input);
};

const snapshot = async () => {
  const { as } = victim;
  const [keys, projects, members, organization, events] = await Promise.all([
    as.admin.keys.list({ limit: 200 }),
    as.admin.projects.list({ limit: 200 }),
    as.admin.members.list({ limit: 200 }),
    as.admin.organization.get(),
    as.admin.audit.list({ limit: 200 }),
  ]);
  return JSON.stringify({ keys, projects, members, organization, events });
};

/** These are meant for whoever holds the token or the password itself, whatever the organization. */
const BY_SECRET_ALONE = new Set(['keys.leaked', 'session.signIn', 'session.signOut']);

const procedures = proceduresOf(appRouter).filter(([name]) => !BY_SECRET_ALONE.has(name));

describe('no procedure shows or changes anything of another organization', () => {
  it('declares for every procedure who may call it', () => {
    for (const [name, { meta }] of proceduresOf(appRouter)) expect(meta?.access, name).toBeDefined();
  });

  it.each(procedures)('%s', async (name, definition) => {
    // A new one each time: what one procedure stored of the attacker's own inputs is no leak when another shows it.
    attacker = await api.createTenant();
    const before = await snapshot();
    let answered = 0;
    let typed = '';
    for (const input of attacks(definition.inputs[0])) {
      typed += JSON.stringify(input) ?? '';
      const outcome = await call(attacker.as.admin, name, input).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      if ('error' in outcome) {
        const known = kaanaErrorOf(outcome.error);
        expect(
          known,
          `${name} ${JSON.stringify(input)} failed unexpectedly: ${String(outcome.error)}`,
        ).not.toBeNull();
        continue;
      }
      answered++;
      const text = JSON.stringify(outcome.value) ?? '';
      // What the attacker has typed in may be echoed; what it has not must not appear.
      for (const secret of secrets) {
        if (!typed.includes(secret)) expect(text, `${name} ${JSON.stringify(input)}`).not.toContain(secret);
      }
      expect(text).not.toContain(SECRET);
    }
    expect(await snapshot()).toBe(before);
    // A walk that is refused everywhere would prove nothing for lists.
    if (name.endsWith('.list')) expect(answered).toBeGreaterThan(0);
  });

  it.each([
    'keys.get',
    'keys.update',
    'keys.revoke',
    'keys.rotate',
    'keys.endRotation',
    'keys.cancelRotation',
    'keys.credits',
    'projects.get',
    'projects.delete',
    'members.update',
  ])('%s says "not found", as for what does not exist', async (name) => {
    for (const id of names) {
      const error = await call(attacker.as.admin, name, { id }).catch((reason: unknown) => reason);
      expect(kaanaErrorOf(error)?.code, id).toBe('not_found');
    }
  });
});

describe('Kaana-Organization', () => {
  it('lets a request pass that names the organization of its key, and refuses any other', async () => {
    const { id, name } = victim.organization;
    for (const organization of [id, name, name.toUpperCase()])
      await api.withKey(token, { organization }).user.me();
    for (const organization of [attacker.organization.id, attacker.organization.name, 'nonsense']) {
      const error = await api
        .withKey(token, { organization })
        .user.me()
        .catch((reason: unknown) => reason);
      expect(kaanaErrorOf(error)?.code).toBe('tenant_mismatch');
    }
  });
});
