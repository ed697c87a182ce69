import { createHash } from 'node:crypto';
import type { Peppers } from '@kaana/api-key/digest';
import { addressesOutside } from './addresses.ts';
import type { Clock } from './clock.ts';
import { KaanaError } from './errors.ts';
import { RULES_BELIEVED_MS } from './foreign-tokens.ts';
import { createId } from './ids.ts';
import {
  checkHash,
  type ImportedHash,
  type ImportRule,
  identityOf,
  lookupOf,
  MAX_IMPORT_RULES,
  MAX_SAME_START,
  normalizeHash,
  ruleIdOf,
  ruleOf,
} from './imported-hash.ts';
import { requireUnlimitedKey } from './key-quota.ts';
import { freeSlot, type Keys, unlimitedSlot } from './keys.ts';
import { systemTimer, type Timer } from './meter.ts';
import type { Account, Actor, ApiKey, Organization } from './model.ts';
import { effectivePermissions, missingPermissions, type Permission } from './permissions.ts';
import { PLAN_TABLE } from './plans.ts';
import { actorOf, type Caller, createEvent, OPERATOR, type Origin } from './principal.ts';
import { DEFAULT_MODES } from './restrictions.ts';
import type { Stores } from './stores.ts';

/** A key of another system, as somebody describes it. */
export type KeyToImport = {
  /** The e-mail address of an account. */
  readonly owner: string;
  readonly name: string;
  readonly hash: ImportedHash;
  /** The first characters of its token, exactly; needed where the hash alone does not lead to the key. */
  readonly start: string | null;
  /** Its id in the other system. */
  readonly externalId: string | null;
  readonly scopes: readonly Permission[] | null;
  readonly allowedIps: readonly string[] | null;
  readonly createdAt: Date | null;
  readonly expiresAt: Date | null;
};

export type ImportOutcome =
  /** `id`: `null` in a dry run. */
  | { readonly status: 'imported'; readonly id: string | null }
  /** By an earlier import of the same hash. `id`: `null` where a dry run would have imported it before. */
  | { readonly status: 'exists'; readonly id: string | null }
  | { readonly status: 'rejected'; readonly reason: string };

/** Who imports: an operator for all organizations or for one, or an admin for their own. */
export type Importer = {
  readonly actor: Actor;
  readonly origin: Origin;
  readonly organizationId: string | null;
  /** What may be handed out; `null`: all. */
  readonly permissions: readonly Permission[] | null;
  /** The addresses that imported keys have to be held to; `null`: any. */
  readonly addresses: readonly string[] | null;
};

export const operatorImporter = (organizationId: string | null): Importer => ({
  actor: OPERATOR,
  origin: { requestId: null, ip: null },
  organizationId,
  permissions: null,
  addresses: null,
});

export const adminImporter = ({ principal, origin }: Caller): Importer => {
  if (principal.reach !== 'organization') {
    throw new KaanaError('permission_denied', 'Only an admin of your organization can import keys.');
  }
  requireUnlimitedKey(principal, 'import keys');
  const { organization, permissions, addresses } = principal;
  return { actor: actorOf(principal), origin, organizationId: organization.id, permissions, addresses };
};

/**
 * What a dry run remembers in place of the database: of each key a few bytes, so that a million need no more than some
 * megabytes. Texts stand as 53 bits of their hash, of which two among a million are the same once in 18,000 dry runs.
 */
export type Rehearsal = {
  readonly seen: Set<number>;
  readonly starts: Map<number, number>;
  /** Account id -> slots that it would hold. */
  readonly slots: Map<string, number[]>;
};
export const createRehearsal = (): Rehearsal => ({ seen: new Set(), starts: new Map(), slots: new Map() });

const markOf = (text: string): number => {
  const bytes = createHash('sha256').update(text).digest();
  return bytes.readUIntBE(0, 6) * 32 + (bytes.readUInt8(6) >> 3);
};

export type ImportOptions = {
  /** Writes nothing, and says what would become of each key, after all that went through the same rehearsal before. */
  readonly rehearsal?: Rehearsal;
};

export type Imports = {
  /**
   * Outcomes in the order of `keys`. Each key is written by itself, so that what a crash leaves out, a repetition adds.
   * The first import of a kind waits a moment, until every process knows what to look for.
   */
  import(
    importer: Importer,
    keys: readonly KeyToImport[],
    options?: ImportOptions,
  ): Promise<readonly ImportOutcome[]>;
};

/** So that no process that has read the rules before still believes that when the first key is there. */
const ANNOUNCEMENT_MS = RULES_BELIEVED_MS + 250;
/** The slots of so many accounts are put in order at the same time. */
const PARALLEL = 16;

type Draft = {
  readonly index: number;
  readonly input: KeyToImport;
  readonly owner: Account;
  readonly organization: Organization;
  readonly rule: ImportRule;
  readonly lookup: string;
  /** By all peppers, the current one's first. */
  readonly fingerprints: readonly string[];
  readonly key: Omit<ApiKey, 'slot'>;
};

const rejected = (reason: string): ImportOutcome => ({ status: 'rejected', reason });
const isOutcome = (draft: Draft | ImportOutcome): draft is ImportOutcome => 'status' in draft;

export const createImports = (
  stores: Pick<Stores, 'imports' | 'accounts' | 'organizations' | 'keys'>,
  keys: Pick<Keys, 'compactSlots' | 'withdrawIfDowngraded'>,
  peppers: Peppers,
  clock: Clock,
  timer: Timer = systemTimer,
): Imports => {
  /** Rules that every process has had the time to learn of. */
  const announced = new Set<string>();

  const draftOf = (
    importer: Importer,
    input: KeyToImport,
    index: number,
    owners: ReadonlyMap<string, Account>,
    organizations: ReadonlyMap<string, Organization>,
  ): Draft | ImportOutcome => {
    const { scopes, allowedIps, name, start, externalId } = input;
    const now = clock();
    const owner = owners.get(input.owner);
    const organization = owner && organizations.get(owner.organizationId);
    const isOutside = importer.organizationId !== null && importer.organizationId !== organization?.id;
    if (!owner || !organization || isOutside) {
      return rejected(`owner: no member has the e-mail address ${input.owner}`);
    }
    const problem = checkHash(input.hash);
    if (problem) return rejected(`hash.value: ${problem}`);
    const hash = normalizeHash(input.hash);
    const rule = ruleOf(hash, start);
    if (!rule) return rejected(`start: is needed with ${hash.format}, to find the key by`);
    if (input.expiresAt && input.expiresAt.getTime() <= now) return rejected('expiresAt: has passed');
    if (input.createdAt && input.createdAt.getTime() > now) return rejected('createdAt: is in the future');
    const wanted = effectivePermissions(owner.role, scopes);
    const beyond = importer.permissions ? missingPermissions(importer.permissions, wanted) : [];
    if (beyond.length > 0) return rejected(`scopes: ${beyond.join(', ')} is beyond your own permissions`);
    const outside = addressesOutside(importer.addresses, allowedIps);
    if (outside.length > 0)
      return rejected(`allowedIps: ${outside.join(', ')} is beyond the addresses that you are held to`);
    const createdAt = input.createdAt ?? new Date(now);
    const fingerprints = peppers.digests(`import:${identityOf(hash)}`).map(({ digest }) => digest);
    const [fingerprint = ''] = fingerprints;
    const lookup = lookupOf(hash, start);
    return {
      index,
      input,
      owner,
      organization,
      rule,
      lookup,
      fingerprints,
      key: {
        id: createId('key', now),
        organizationId: organization.id,
        accountId: owner.id,
        name,
        secrets: [
          {
            id: createId('sec', now),
            // No token has this digest: it is replaced when the token is first used.
            digest: `import:${fingerprint}`,
            pepperId: peppers.current.id,
            start: start ?? hash.withoutPrefix ?? '',
            createdAt,
            expiresAt: null,
            imported: { ...hash, lookup },
          },
        ],
        status: 'active',
        ...DEFAULT_MODES,
        scopes,
        allowedIps,
        limits: null,
        credits: null,
        createdAt,
        expiresAt: input.expiresAt,
        revokedAt: null,
        revokedReason: null,
        imported: { externalId, fingerprint, format: hash.format, at: new Date(now), migratedAt: null },
      },
    };
  };

  const takenName = ({ input }: Draft): ImportOutcome =>
    rejected(`externalId: ${input.externalId} was imported already, with another hash`);

  /** What is there already, or in the way; `null`: nothing. */
  const settledBy = (draft: Draft, existing: readonly ApiKey[]): ImportOutcome | null => {
    const { fingerprints, organization, input } = draft;
    const same = existing.find(({ imported }) => imported && fingerprints.includes(imported.fingerprint));
    if (same) {
      return same.organizationId === organization.id && same.accountId === draft.owner.id
        ? { status: 'exists', id: same.id }
        : rejected('hash: was imported already, for another owner');
    }
    const named = existing.some(
      ({ imported, organizationId }) =>
        input.externalId !== null &&
        imported?.externalId === input.externalId &&
        organizationId === organization.id,
    );
    return named ? takenName(draft) : null;
  };

  const existingOf = (drafts: readonly Draft[]): Promise<ApiKey[]> =>
    stores.imports.existing(
      drafts.flatMap(({ fingerprints }) => fingerprints),
      drafts.flatMap(({ organization: { id: organizationId }, input: { externalId } }) =>
        externalId === null ? [] : [{ organizationId, externalId }],
      ),
    );

  /** Makes the rules known to every process, before there is a key that needs them. */
  const announce = async (rules: readonly ImportRule[]): Promise<void> => {
    const unknown = rules.filter((rule) => !announced.has(ruleIdOf(rule)));
    if (unknown.length === 0) return;
    await stores.imports.addRules(unknown);
    await timer.wait(ANNOUNCEMENT_MS);
    for (const rule of unknown) announced.add(ruleIdOf(rule));
  };

  /** The rules that are needed and may still be added; the drafts whose rule is one too many are in `refused`. */
  const rulesFor = async (drafts: readonly Draft[]) => {
    const needed = new Map(drafts.map(({ rule }) => [ruleIdOf(rule), rule]));
    const refused = new Set<string>();
    if ([...needed.keys()].every((id) => announced.has(id))) return { needed, refused };
    const known = new Set((await stores.imports.rules()).map((rule) => ruleIdOf(rule)));
    let count = known.size;
    for (const id of needed.keys()) {
      if (known.has(id)) continue;
      if (++count > MAX_IMPORT_RULES) refused.add(id);
    }
    for (const id of refused) needed.delete(id);
    return { needed, refused };
  };

  /** Of a start that is found slowly, how many keys there are. */
  const countStarts = async (drafts: readonly Draft[]): Promise<Map<string, number>> => {
    const starts = new Set(drafts.flatMap(({ lookup, rule }) => (rule.kind === 'start' ? [lookup] : [])));
    if (starts.size === 0) return new Map();
    const found = await stores.imports.candidates([...starts]);
    return new Map([...found].map(([lookup, { length }]) => [lookup, length]));
  };

  const limitOf = ({ plan }: Organization) => PLAN_TABLE[plan].activeKeys;

  const limitsOf = (drafts: readonly Draft[]): Map<string, number> =>
    new Map(
      drafts.flatMap(({ owner, organization }) => {
        const limit = limitOf(organization);
        return limit === null ? [] : [[owner.id, limit] as const];
      }),
    );

  /** The slots that a rehearsal has not heard of: as many as there are active keys. */
  const rehearseSlots = async (drafts: readonly Draft[], { slots }: Rehearsal): Promise<void> => {
    const unknown = [...limitsOf(drafts).keys()].filter((id) => !slots.has(id));
    if (unknown.length === 0) return;
    const active = await stores.keys.countActive(unknown, new Date(clock()));
    for (const id of unknown)
      slots.set(
        id,
        Array.from({ length: active.get(id) ?? 0 }, (_, slot) => slot),
      );
  };

  /** The slots that the accounts' keys hold, put in order where the plan needs it. */
  const slotsOf = async (drafts: readonly Draft[]): Promise<Map<string, number[]>> => {
    const limits = limitsOf(drafts);
    if (limits.size === 0) return new Map();
    const held = new Map(
      [...(await stores.imports.slots([...limits.keys()]))].map(([id, slots]) => [id, [...slots]]),
    );
    const untidy = [...limits].filter(([id, limit]) => {
      const slots = held.get(id) ?? [];
      return slots.length >= limit || slots.some((slot) => slot >= limit);
    });
    for (let from = 0; from < untidy.length; from += PARALLEL) {
      const part = untidy.slice(from, from + PARALLEL);
      await Promise.all(part.map(([id, limit]) => keys.compactSlots(id, limit)));
      const tidied = await stores.imports.slots(part.map(([id]) => id));
      for (const [id, slots] of tidied) held.set(id, [...slots]);
    }
    return held;
  };

  /** The slot that the draft's key takes, which `held` has from then on; an outcome where the plan has none. */
  const takeSlot = (draft: Draft, held: Map<string, number[]>): number | ImportOutcome => {
    const limit = limitOf(draft.organization);
    if (limit === null) return unlimitedSlot();
    const slots = held.get(draft.owner.id) ?? [];
    const slot = freeSlot(slots, limit);
    if (slot === null) {
      return rejected(
        `owner: ${draft.owner.email} has ${limit} active keys, as many as the ${draft.organization.plan} plan allows`,
      );
    }
    held.set(draft.owner.id, [...slots, slot]);
    return slot;
  };

  const eventOf = (importer: Importer, { key, owner }: Draft) =>
    createEvent(
      clock(),
      key.organizationId,
      importer.actor,
      'key.imported',
      { type: 'key', id: key.id, name: key.name },
      {
        name: { from: null, to: key.name },
        owner: { from: null, to: owner.email },
        scopes: { from: null, to: key.scopes },
        expiresAt: { from: null, to: key.expiresAt?.toISOString() ?? null },
        allowedIps: { from: null, to: key.allowedIps },
        hash: { from: null, to: key.imported?.format ?? null },
        externalId: { from: null, to: key.imported?.externalId ?? null },
      },
      importer.origin,
    );

  /** Writes the drafts; what somebody else was faster with is looked at again. */
  const insert = async (
    importer: Importer,
    drafts: readonly Draft[],
    settle: (draft: Draft, outcome: ImportOutcome) => void,
  ): Promise<void> => {
    let pending = drafts;
    while (pending.length > 0) {
      const held = await slotsOf(pending);
      const ready = pending.flatMap((draft) => {
        const slot = takeSlot(draft, held);
        if (typeof slot === 'number') return [{ draft, key: { ...draft.key, slot } }];
        settle(draft, slot);
        return [];
      });
      const results = await stores.imports.insertMany(
        ready.map(({ draft, key }) => ({ key, event: eventOf(importer, draft) })),
      );
      const taken = ready.filter((_, index) => results[index] === 'taken').map(({ draft }) => draft);
      const inserted = ready.filter((_, index) => results[index] === 'inserted');
      const unlimited = inserted.filter(({ draft }) => limitOf(draft.organization) === null);
      const withdrawn = await keys.withdrawIfDowngraded(unlimited.map(({ key }) => key));
      for (const { draft, key } of inserted) {
        const reason = withdrawn.get(key.id);
        settle(draft, reason === undefined ? { status: 'imported', id: key.id } : rejected(reason));
      }
      const existing = taken.length > 0 ? await existingOf(taken) : [];
      pending = taken.filter((draft) => {
        const outcome = settledBy(draft, existing);
        if (outcome) settle(draft, outcome);
        return outcome === null;
      });
    }
  };

  return {
    import: async (importer, inputs, { rehearsal } = {}) => {
      const owners = await stores.accounts.findByEmails([...new Set(inputs.map(({ owner }) => owner))]);
      const organizations = await stores.organizations.getMany([
        ...new Set([...owners.values()].map(({ organizationId }) => organizationId)),
      ]);
      const outcomes: ImportOutcome[] = inputs.map(() => rejected('was not looked at'));
      const settle = ({ index }: { readonly index: number }, outcome: ImportOutcome) => {
        outcomes[index] = outcome;
      };
      const drafts: Draft[] = [];
      for (const [index, input] of inputs.entries()) {
        const draft = draftOf(importer, input, index, owners, organizations);
        if (isOutcome(draft)) settle({ index }, draft);
        else drafts.push(draft);
      }
      const existing = drafts.length > 0 ? await existingOf(drafts) : [];
      const { needed, refused } = await rulesFor(drafts);
      const { seen, starts } = rehearsal ?? createRehearsal();
      for (const [lookup, count] of await countStarts(drafts)) {
        const mark = markOf(lookup);
        if (!starts.has(mark)) starts.set(mark, count);
      }
      /** Those that stand in the same call before: what becomes of them follows from what became of the first. */
      const repeated: Draft[] = [];
      const fresh = drafts.filter((draft) => {
        const { fingerprints, lookup, rule, input, organization } = draft;
        const settled = settledBy(draft, existing);
        if (settled) {
          settle(draft, settled);
          return false;
        }
        const hash = markOf(`hash:${fingerprints[0]}`);
        const name = input.externalId === null ? null : markOf(`id:${organization.id}:${input.externalId}`);
        if (seen.has(hash) || (name !== null && seen.has(name))) {
          if (!rehearsal) repeated.push(draft);
          else if (seen.has(hash)) settle(draft, { status: 'exists', id: null });
          else settle(draft, takenName(draft));
          return false;
        }
        if (refused.has(ruleIdOf(rule))) {
          settle(
            draft,
            rejected(
              `hash: is the ${MAX_IMPORT_RULES + 1}th kind of salt, prefix and length of start; give start, which needs no salt of its own`,
            ),
          );
          return false;
        }
        const start = markOf(lookup);
        const same = (starts.get(start) ?? 0) + 1;
        if (rule.kind === 'start' && same > MAX_SAME_START) {
          settle(
            draft,
            rejected(
              `start: ${MAX_SAME_START} keys that were not used yet begin with ${input.start}; give more of the token's first characters`,
            ),
          );
          return false;
        }
        if (rule.kind === 'start') starts.set(start, same);
        seen.add(hash);
        if (name !== null) seen.add(name);
        return true;
      });
      if (rehearsal) {
        await rehearseSlots(fresh, rehearsal);
        for (const draft of fresh) {
          const slot = takeSlot(draft, rehearsal.slots);
          settle(draft, typeof slot === 'number' ? { status: 'imported', id: null } : slot);
        }
        return outcomes;
      }
      if (fresh.length > 0) {
        await announce([...needed.values()]);
        await insert(importer, fresh, settle);
      }
      if (repeated.length > 0) {
        const now = await existingOf(repeated);
        for (const draft of repeated) {
          settle(draft, settledBy(draft, now) ?? rejected('hash or externalId: stands in the import twice'));
        }
      }
      return outcomes;
    },
  };
};
