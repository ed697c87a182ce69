import type { Instant, LimitRecord } from './admission-log.ts';
import type { CreditBalance } from './credits.ts';
import type { GhostUse } from './ghost-use.ts';
import type { ImportRule } from './imported-hash.ts';
import type { KeyPosition, KeySort, ListedKey, Order } from './key-list.ts';
import type {
  Account,
  ApiKey,
  AuditEvent,
  KeyActivity,
  KeySecret,
  LeakSource,
  Organization,
  Project,
  Session,
  WouldRefuse,
} from './model.ts';
import type { Quota } from './named-limits.ts';
import type { Policies } from './policies.ts';
import type { QuotaRecord } from './quota-record.ts';
import type { Restrictions } from './restrictions.ts';
import type { RevisionedStore } from './revisions.ts';
import type { Counts } from './usage.ts';
import type { UsageInterval } from './usage-range.ts';
import type { WebhookDeliveryStore, WebhookStore } from './webhooks/store.ts';

/**
 * What the domain needs of a database. Every method rejects with `KaanaError('store_unavailable')` while the database
 * cannot be reached. A write that takes an `AuditEvent` stores both in one atomic write, or neither; methods that guard
 * (`null` or `false` where the guard does not hold) decide inside that write, so that parallel callers cannot both win.
 * Writes are acknowledged once they are durable; reads see every acknowledged write of every process.
 */
export type Stores = {
  readonly organizations: OrganizationStore;
  readonly accounts: AccountStore;
  readonly keys: KeyStore;
  readonly credentials: CredentialStore;
  readonly children: ChildKeyStore;
  readonly projects: ProjectStore;
  readonly sessions: SessionStore;
  readonly audit: AuditStore;
  readonly usage: UsageStore;
  readonly limits: LimitStore;
  readonly imports: ImportStore;
  readonly wouldRefuse: WouldRefuseStore;
  readonly ghostUse: RevisionedStore<GhostUse>;
  readonly quotas: QuotaStore;
  readonly webhooks: WebhookStore;
  readonly webhookDeliveries: WebhookDeliveryStore;
};

/** Items in the order of their ids, newest first, older than `before`. */
export type PageQuery = { readonly limit: number; readonly before?: string | undefined };

export type OrganizationStore = {
  insert(organization: Organization, event: AuditEvent): Promise<'inserted' | 'exists'>;
  getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Organization>>;
  findByName(name: string): Promise<Organization | null>;
  isEmpty(): Promise<boolean>;
  update(
    id: string,
    /** Of the policies, those that are named. */
    change: Partial<Pick<Organization, 'name' | 'plan' | 'requestsPerMinute' | 'operator'>> & {
      readonly policies?: Partial<Policies>;
    },
    event: AuditEvent,
  ): Promise<Organization | 'taken' | null>;
  /** Those whose policy revokes idle keys. */
  listDisablingIdle(): Promise<Organization[]>;
};

export type AccountStore = {
  /** `exists`: the id or the e-mail is taken. */
  insert(account: Account, event: AuditEvent): Promise<'inserted' | 'exists'>;
  getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Account>>;
  findByEmail(email: string): Promise<Account | null>;
  findByEmails(emails: readonly string[]): Promise<ReadonlyMap<string, Account>>;
  list(organizationId: string, page: PageQuery): Promise<Account[]>;
  listIds(organizationId: string): Promise<string[]>;
  countActiveAdmins(organizationId: string): Promise<number>;
  /** `expected` guards: the write happens only while these fields still have these values. */
  update(
    organizationId: string,
    id: string,
    expected: Partial<Pick<Account, 'role' | 'status' | 'passwordHash'>>,
    change: Partial<Pick<Account, 'name' | 'role' | 'status' | 'passwordHash' | 'limits'>>,
    event: AuditEvent,
  ): Promise<Account | null>;
  recordSignIn(id: string, at: Date): Promise<void>;
};

/** A key with its owner as both are at one moment; `null` where the owner is gone. */
export type Credentials = {
  readonly key: ApiKey;
  readonly account: Account | null;
  readonly organization: Organization | null;
  /** The keys that a child key comes from, its parent first, as far as they are there. */
  readonly ancestors: readonly ApiKey[];
};

export const NO_ANCESTORS: readonly ApiKey[] = [];

export type CredentialStore = {
  /**
   * Digest -> the key that has a secret with this digest, its account, its organization and, of a child key, those that
   * it comes from. Every read begins after the call. Equal documents give the identical objects, so that what is derived from them can be kept by identity.
   */
  find(digests: readonly string[]): Promise<ReadonlyMap<string, Credentials>>;
};

export type KeyQuery = PageQuery & {
  readonly organizationId: string;
  readonly accountId?: string | undefined;
  readonly parentId?: string | undefined;
  /** Only keys that come from this one, over whatever others. */
  readonly ancestorId?: string | undefined;
  readonly status?: 'active' | 'revoked' | 'expired' | undefined;
  readonly now: Date;
};

/** A list of keys in an order of one's choice, of those whose name or start has `search` in it. */
export type KeySearch = Omit<KeyQuery, 'before'> & {
  readonly search?: string | undefined;
  readonly sort: KeySort;
  readonly order: Order;
  readonly after?: KeyPosition | undefined;
};

/** A place in the order of expiry. */
export type ExpiryPosition = { readonly expiresAt: Date; readonly id: string };

export type KeyStore = {
  /** `slot_taken`: another active key of the account has this slot. */
  insert(key: ApiKey, event: AuditEvent): Promise<'inserted' | 'slot_taken'>;
  get(organizationId: string, id: string): Promise<ApiKey | null>;
  list(query: KeyQuery): Promise<ApiKey[]>;
  search(query: KeySearch): Promise<ListedKey[]>;
  getMany(organizationId: string, ids: readonly string[]): Promise<ApiKey[]>;
  /** Of all organizations, what expires after `from` and not after `to` and is not revoked, the earliest first. */
  listExpiring(query: {
    readonly from: Date;
    readonly to: Date;
    readonly limit: number;
    readonly after?: ExpiryPosition | undefined;
  }): Promise<ApiKey[]>;
  /** Digest -> the key that has a secret with this digest. */
  findByDigests(digests: readonly string[]): Promise<ReadonlyMap<string, ApiKey>>;
  names(organizationId: string, ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Slots and ids of the account's keys that hold a slot. */
  slots(accountId: string): Promise<{ id: string; slot: number }[]>;
  moveSlot(id: string, from: number, to: number): Promise<boolean>;
  /** Takes the slots of keys that have expired: from then on they no longer count, and cannot be renewed. */
  releaseExpiredSlots(accountId: string, now: Date): Promise<number>;
  countActive(accountIds: readonly string[], now: Date): Promise<ReadonlyMap<string, number>>;
  /**
   * Only an active key that still holds its slot (is not expired for good) is changed, and only while the fields of
   * `expected` are what they were.
   */
  update(
    organizationId: string,
    id: string,
    change: Partial<
      Pick<
        ApiKey,
        | 'name'
        | 'expiresAt'
        | 'scopesChangedAt'
        | 'allowedIpsChangedAt'
        | 'limits'
        | 'credits'
        | keyof Restrictions
      >
    >,
    event: AuditEvent,
    expected?: Partial<Pick<ApiKey, 'limits' | 'credits'>>,
  ): Promise<ApiKey | null>;
  /** Only while the key is active and its secrets are `expected`. */
  replaceSecrets(
    organizationId: string,
    id: string,
    expected: readonly KeySecret[],
    secrets: readonly KeySecret[],
    event: AuditEvent,
  ): Promise<ApiKey | null>;
  /** Only an active key. */
  revoke(
    organizationId: string,
    id: string,
    at: Date,
    reason: string | null,
    event: AuditEvent,
    /** Where that is why. */
    leak?: { readonly at: Date; readonly source: LeakSource },
  ): Promise<ApiKey | null>;
  /** Only an active key that was not reported before. */
  markLeaked(
    organizationId: string,
    id: string,
    leak: { readonly at: Date; readonly source: LeakSource },
    event: AuditEvent,
  ): Promise<ApiKey | null>;
};

/** What child keys need beside what every key does. "Living": holds a slot and has not expired. */
export type ChildKeyStore = {
  /** The places of the key's children that hold a slot. */
  places(parentId: string): Promise<number[]>;
  /** Takes the slots of the key's children that have expired. */
  releaseExpired(parentId: string, now: Date): Promise<number>;
  /** Marks a key as one that has children; only an active one. To be done before it gets the first. */
  markParent(organizationId: string, id: string): Promise<boolean>;
  unmarkParent(id: string): Promise<void>;
  /** The marked keys that are revoked or have expired. */
  deadParents(now: Date): Promise<ApiKey[]>;
  /** Living keys that come from this one, over whatever others, oldest first. */
  living(ancestorId: string, now: Date, limit: number): Promise<ApiKey[]>;
};

export type ImportStore = {
  /** Every rule by which a key of another system was ever to be found; none: there never was such a key. */
  rules(): Promise<ImportRule[]>;
  addRules(rules: readonly ImportRule[]): Promise<void>;
  /** Lookup -> keys that have a secret of another system under it, of any status. Every read begins after the call. */
  candidates(lookups: readonly string[]): Promise<ReadonlyMap<string, readonly ApiKey[]>>;
  /** Keys that were imported with one of these fingerprints, or with one of these ids into this organization. */
  existing(
    fingerprints: readonly string[],
    externalIds: readonly { readonly organizationId: string; readonly externalId: string }[],
  ): Promise<ApiKey[]>;
  /** Account id -> the slots that its keys hold. */
  slots(accountIds: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>>;
  /** `taken`: another key has the slot, the hash or the external id. In the order of `keys`. */
  insertMany(
    keys: readonly { readonly key: ApiKey; readonly event: AuditEvent }[],
  ): Promise<('inserted' | 'taken')[]>;
  /** Only while the key is active and has a secret with this id, this expiry and the digest `expected`. */
  replaceHash(
    organizationId: string,
    keyId: string,
    expected: string,
    secret: KeySecret,
    at: Date,
    event: AuditEvent,
  ): Promise<boolean>;
};

export type ProjectStore = {
  insert(project: Project, event: AuditEvent): Promise<'inserted' | 'exists'>;
  get(organizationId: string, id: string): Promise<Project | null>;
  list(organizationId: string, page: PageQuery): Promise<Project[]>;
  update(
    organizationId: string,
    id: string,
    change: Partial<Pick<Project, 'name' | 'description'>> & { readonly updatedAt: Date },
    event: AuditEvent,
  ): Promise<Project | null>;
  delete(organizationId: string, id: string, event: AuditEvent): Promise<boolean>;
};

export type SessionStore = {
  insert(session: Session, event: AuditEvent): Promise<void>;
  getMany(digests: readonly string[]): Promise<ReadonlyMap<string, Session>>;
  /** The account's sessions that have not ended, newest first. */
  list(accountId: string, now: Date): Promise<Session[]>;
  delete(digest: string, event: AuditEvent): Promise<boolean>;
  /** Signs an account out everywhere, but for the session `exceptDigest`. */
  deleteOfAccount(accountId: string, exceptDigest: string | null, at: Date): Promise<void>;
};

export type AuditQuery = PageQuery & {
  readonly organizationId: string;
  readonly action?: string | undefined;
  readonly targetId?: string | undefined;
  /** What this account did, in person or by its keys. */
  readonly actorId?: string | undefined;
  /** What was done to this key, and with it. */
  readonly keyId?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
};

export type AuditStore = {
  list(query: AuditQuery): Promise<AuditEvent[]>;
  /** Moves to the log what a crash left inside the writes. Returns how many. */
  sweep(): Promise<number>;
};

/** The use of one key in one minute, as one process saw it since its last flush. */
export type UsageDelta = {
  readonly organizationId: string;
  readonly accountId: string;
  readonly keyId: string;
  /** Start of the minute, milliseconds since the epoch. */
  readonly minute: number;
  readonly counts: Counts;
};
export type ActivityDelta = { readonly keyId: string; readonly permissionsSince: Date } & KeyActivity;

export type UsageQuery = {
  readonly organizationId: string;
  readonly accountId?: string | undefined;
  readonly keyId?: string | undefined;
  /** Only these keys. */
  readonly keyIds?: readonly string[] | undefined;
  readonly from: Date;
  readonly to: Date;
  readonly now: Date;
};

/** `from` and `to` are those of the query, widened to what is kept (`usage-range.ts`). */
export type UsageAnswer<Row> = { readonly from: Date; readonly to: Date; readonly rows: readonly Row[] };

/**
 * Counts are added per minute, and rolled up into hours and days. Sums are exact before, during and after that: it
 * relies on no minute being added to once its hour has ended for an hour, which is what the recorder sees to.
 */
export type UsageStore = {
  /** Last uses of a key, its secrets and its permissions keep the later time; `permissionsSince` keeps the earlier one. */
  add(usage: readonly UsageDelta[], activity: readonly ActivityDelta[]): Promise<void>;
  byKey(query: UsageQuery): Promise<UsageAnswer<{ keyId: string; counts: Counts }>>;
  byAccount(query: UsageQuery): Promise<ReadonlyMap<string, Counts>>;
  /** Ascending, without intervals that have no requests. `invalid_input` where counts that fine are not kept. */
  series(query: UsageQuery, interval: UsageInterval): Promise<UsageAnswer<{ at: Date; counts: Counts }>>;
  /** Per key and day (UTC), without days that have no requests. */
  days(query: UsageQuery): Promise<UsageAnswer<{ keyId: string; at: Date; counts: Counts }>>;
  /** Account id -> the most requests that it made in one minute of the clock. The range is one whose minutes are kept. */
  peaks(query: UsageQuery): Promise<ReadonlyMap<string, number>>;
  /**
   * Sums minutes into hours and hours into days, and deletes what has been summed and is old. Any process may call it at
   * any time, and die in the middle. It does a bounded piece of work: `true` where more is left.
   */
  rollUp(now: number): Promise<boolean>;
  activity(keyIds: readonly string[]): Promise<ReadonlyMap<string, KeyActivity>>;
  /** Of secrets that their key no longer has, so that what is kept of a key does not grow with each rotation. */
  forgetSecrets(keyId: string, secretIds: readonly string[]): Promise<void>;
};

/** What the database remembers of one limit; `revision` is `null` where it remembers nothing. */
export type HeldLimit = { readonly revision: string | null; readonly record: LimitRecord };

export type LimitStore = {
  /** The database's clock, so that processes whose own clocks differ agree. */
  now(): Promise<Instant>;
  read(id: string): Promise<HeldLimit>;
  /**
   * Remembers `record` for `keepMs`, but only while the limit still has the revision `expected`. The new revision;
   * `null` where another process was faster: read again, and decide again.
   */
  write(id: string, expected: string | null, record: LimitRecord, keepMs: number): Promise<string | null>;
};

/** What restrictions in report mode would have refused, by key; `revision` is `null` where nothing is remembered. */
export type HeldWouldRefuse = { readonly revision: string | null; readonly entries: readonly WouldRefuse[] };

export type WouldRefuseStore = {
  getMany(keyIds: readonly string[]): Promise<ReadonlyMap<string, HeldWouldRefuse>>;
  /** Only while the key's entries still have the revision `expected`; `false`: another process was faster. */
  write(
    keyId: string,
    organizationId: string,
    expected: string | null,
    entries: readonly WouldRefuse[],
  ): Promise<boolean>;
};

export type HeldQuota = { readonly revision: string | null; readonly record: QuotaRecord };

/** What is remembered of named limits and credits, one document for each key or account that has any. */
export type QuotaStore = {
  read(quota: Quota): Promise<HeldQuota>;
  /**
   * As `LimitStore.write`. Where there are credits the record is on disk, on a majority, before this resolves, and is
   * kept for good; else it is kept for as long as it says anything.
   */
  write(quota: Quota, expected: string | null, record: QuotaRecord, now: Instant): Promise<string | null>;
  /** Key id -> balance, of those that have one. */
  balances(keyIds: readonly string[]): Promise<ReadonlyMap<string, CreditBalance>>;
};
