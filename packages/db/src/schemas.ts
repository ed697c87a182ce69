import {
  type Account,
  type ApiKey,
  type AuditEvent,
  type Counts,
  type CreditBalance,
  DEFAULT_MODES,
  GHOST_KEPT_DAYS,
  type GhostUse,
  IDLE_ACTIONS,
  IMPORT_FORMATS,
  type ImportRule,
  type KeyActivity,
  LEAK_ACTIONS,
  type Lease,
  type Organization,
  PERMISSIONS,
  PLANS,
  type Project,
  type QuotaRecord,
  RESTRICTION_MODES,
  ROLES,
  type Session,
  type UsageDelta,
  type Webhook,
  type WebhookDelivery,
  type WouldRefuse,
} from '@kaana/core';
import { type Connection, type mongo, Schema, type SchemaDefinition } from 'mongoose';

/**
 * The one description of what is stored and by which indexes it is found. Ids are strings (see `createId` in core).
 * A document that an audit event belongs to carries it in `outbox` until it has been moved to the log (`outbox.ts`).
 */

const text = { type: String, required: true } as const;
const date = { type: Date, required: true } as const;
const optionalDate = { type: Date, default: null } as const;

const actor = new Schema(
  { type: text, id: { type: String, default: null }, name: text, keyId: { type: String, default: null } },
  { _id: false },
);
const target = new Schema({ type: text, id: text, name: text }, { _id: false });
const eventFields = {
  id: text,
  organizationId: text,
  at: date,
  action: text,
  actor: { type: actor, required: true },
  target: { type: target, required: true },
  changes: { type: Schema.Types.Mixed, default: {} },
  requestId: { type: String, default: null },
  ip: { type: String, default: null },
};
const outboxFields = {
  outbox: { type: [new Schema(eventFields, { _id: false, minimize: false })], default: undefined },
  deletedAt: { type: Date },
};

const options = { versionKey: false, minimize: false, autoIndex: false, autoCreate: false } as const;
const stateful = (fields: Record<string, unknown>): Schema =>
  new Schema<unknown>({ _id: text, ...fields, ...outboxFields } as SchemaDefinition<unknown>, options).index(
    { 'outbox.id': 1 },
    { sparse: true },
  ) as Schema;

const policies = new Schema(
  {
    maxLifetimeDays: Number,
    expiryRequired: Boolean,
    idleDays: Number,
    idleAction: { type: String, enum: IDLE_ACTIONS },
    allowedScopes: { type: [{ type: String, enum: PERMISSIONS }], default: undefined },
    unscopedAllowed: Boolean,
    onLeak: { type: String, enum: LEAK_ACTIONS },
  },
  { _id: false },
);
const organization = stateful({
  name: text,
  /** Lower case, so that two organizations cannot differ by case alone. */
  nameKey: text,
  plan: { ...text, enum: PLANS },
  requestsPerMinute: { type: Number, default: null },
  /** Of those that are missing, what `NO_POLICIES` says. */
  policies: { type: policies, default: undefined },
  operator: { type: Boolean, default: false },
  createdAt: date,
}).index({ nameKey: 1 }, { unique: true });

const namedLimit = new Schema(
  {
    name: text,
    limit: { type: Number, required: true },
    windowSeconds: { type: Number, required: true },
  },
  { _id: false },
);

const account = stateful({
  organizationId: text,
  email: text,
  name: text,
  role: { ...text, enum: ROLES },
  status: { ...text, enum: ['active', 'deactivated'] },
  passwordHash: text,
  limits: { type: [namedLimit], default: null },
  createdAt: date,
  lastSignedInAt: optionalDate,
})
  .index({ email: 1 }, { unique: true })
  .index({ organizationId: 1, _id: -1 });

/** `lookup`: what a token of another system is found by until it has been used here. */
const keptHash = new Schema(
  {
    format: { ...text, enum: IMPORT_FORMATS },
    value: text,
    salt: { type: String, default: null },
    saltPosition: text,
    withoutPrefix: { type: String, default: null },
    lookup: text,
  },
  { _id: false },
);
const unusedSecret = new Schema({ overlapSeconds: { type: Number, default: null } }, { _id: false });
const secret = new Schema(
  {
    id: text,
    digest: text,
    pepperId: text,
    // Empty where another system's is not known.
    start: { type: String, default: '' },
    createdAt: date,
    expiresAt: optionalDate,
    ended: { type: Boolean },
    unused: { type: unusedSecret, default: undefined },
    imported: { type: keptHash, default: undefined },
  },
  { _id: false },
);
const keyImport = new Schema(
  {
    externalId: { type: String, default: null },
    fingerprint: text,
    format: { ...text, enum: IMPORT_FORMATS },
    at: date,
    migratedAt: optionalDate,
  },
  { _id: false },
);
const leakSource = new Schema({ reporter: text, url: { type: String, default: null } }, { _id: false });
const apiKey = stateful({
  organizationId: text,
  accountId: text,
  name: text,
  secrets: { type: [secret], required: true },
  status: { ...text, enum: ['active', 'revoked'] },
  slot: { type: Number, default: null },
  scopes: { type: [{ type: String, enum: PERMISSIONS }], default: null },
  scopesMode: { type: String, enum: RESTRICTION_MODES, default: DEFAULT_MODES.scopesMode },
  scopesChangedAt: optionalDate,
  allowedIps: { type: [String], default: null },
  allowedIpsMode: { type: String, enum: RESTRICTION_MODES, default: DEFAULT_MODES.allowedIpsMode },
  allowedIpsChangedAt: optionalDate,
  limits: { type: [namedLimit], default: null },
  /** `CreditTerms` of core. */
  credits: { type: Schema.Types.Mixed, default: null },
  createdAt: date,
  expiresAt: optionalDate,
  revokedAt: optionalDate,
  revokedReason: { type: String, default: null },
  imported: { type: keyImport, default: undefined },
  parentId: { type: String },
  ancestors: { type: [String], default: undefined },
  childSlot: { type: Number },
  delegates: { type: Boolean },
  leakedAt: { type: Date },
  leakSource: { type: leakSource, default: undefined },
})
  .index({ 'secrets.digest': 1 }, { unique: true })
  .index({ 'secrets.imported.lookup': 1 }, { sparse: true })
  .index(
    { 'imported.fingerprint': 1 },
    { unique: true, partialFilterExpression: { 'imported.fingerprint': { $gt: '' } } },
  )
  .index(
    { organizationId: 1, 'imported.externalId': 1 },
    { unique: true, partialFilterExpression: { 'imported.externalId': { $gt: '' } } },
  )
  .index({ organizationId: 1, _id: -1 })
  .index({ accountId: 1, _id: -1 })
  // Those that never expire are not in it.
  .index({ expiresAt: 1, _id: 1 }, { partialFilterExpression: { expiresAt: { $type: 'date' } } })
  // The number of active keys: no two of an account hold the same slot.
  .index({ accountId: 1, slot: 1 }, { unique: true, partialFilterExpression: { slot: { $gte: 0 } } })
  // The number of living children: those that hold a slot of the account have a place of their own among them.
  .index(
    { parentId: 1, childSlot: 1 },
    { unique: true, partialFilterExpression: { parentId: { $gt: '' }, slot: { $gte: 0 } } },
  )
  .index({ ancestors: 1, _id: -1 }, { partialFilterExpression: { parentId: { $gt: '' } } })
  .index({ status: 1, expiresAt: 1 }, { partialFilterExpression: { delegates: true } });

const project = stateful({
  organizationId: text,
  name: text,
  description: { type: String, default: '' },
  createdAt: date,
  updatedAt: date,
  createdBy: { type: String, default: null },
}).index({ organizationId: 1, _id: -1 });

/** `_id` is the digest. */
const session = stateful({
  id: text,
  organizationId: text,
  accountId: text,
  createdAt: date,
  expiresAt: date,
  ip: { type: String, default: null },
  userAgent: { type: String, default: null },
})
  .index({ accountId: 1 })
  .index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

/** `_id` is the event's id, so that moving it twice leaves one. */
const { id: _id, ...loggedFields } = eventFields;
const auditEvent = new Schema({ _id: text, ...loggedFields, untold: { type: Boolean } }, options)
  .index({ organizationId: 1, _id: -1 })
  .index({ untold: 1 }, { sparse: true })
  .index({ organizationId: 1, 'target.id': 1, _id: -1 });

const count = { type: Number, default: 0 } as const;
/**
 * The counts of a key in an interval: a minute, an hour or a day (UTC), each in a collection of its own. `_id` is
 * `KEY:START`, in milliseconds, and `at` the start. What is deleted when, the roll-up decides, not an expiry.
 */
const usageOf = (): Schema =>
  new Schema<unknown>(
    {
      _id: text,
      organizationId: text,
      accountId: text,
      keyId: text,
      at: date,
      served: count,
      clientError: count,
      denied: count,
      rateLimited: count,
      serverError: count,
    } as SchemaDefinition<unknown>,
    options,
  )
    .index({ organizationId: 1, at: -1 })
    .index({ keyId: 1, at: -1 })
    .index({ at: 1 }) as Schema;

/** How far the roll-up has come: see `Watermark` in core. */
const usageRollUp = new Schema({ _id: text, until: { type: Date }, cleared: { type: Date } }, options);

/** `_id` is the key's id. `last` is one value, that begins with its time: the later one is the greater one. */
const keyActivity = new Schema(
  {
    _id: text,
    last: { type: new Schema({ at: date, ip: String, userAgent: String }, { _id: false }), required: true },
    secrets: { type: Schema.Types.Mixed, default: {} },
    secretUses: { type: Schema.Types.Mixed, default: {} },
    permissions: { type: Schema.Types.Mixed, default: {} },
    permissionsSince: optionalDate,
  },
  options,
);

/** `_id` is the key's id; `revision` changes with every write. */
/** `_id` is the key's id. Forgotten a while after the last attempt. */
const ghostUse = new Schema(
  {
    _id: text,
    revision: text,
    counts: { type: Schema.Types.Mixed, required: true },
    firstAt: date,
    lastAt: date,
    sources: { type: [Schema.Types.Mixed], required: true },
  },
  options,
).index({ lastAt: 1 }, { expireAfterSeconds: GHOST_KEPT_DAYS * 24 * 3600 });

const wouldRefuse = new Schema(
  {
    _id: text,
    organizationId: text,
    revision: text,
    entries: [
      {
        _id: false,
        check: text,
        value: { type: String, default: null },
        count,
        firstAt: date,
        lastAt: date,
      },
    ],
  },
  options,
);

/** `revision` changes with every write; `log` is packed (see `stores/limits.ts`). */
const limit = new Schema(
  {
    _id: text,
    revision: text,
    log: { type: Schema.Types.Buffer, required: true },
    leases: [{ _id: false, id: text, until: { type: Number, required: true }, count }],
    expiresAt: date,
  },
  options,
).index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

/** `_id` is the rule itself, as text, so that it is there once. */
const importRule = new Schema({ _id: text, rule: { type: Schema.Types.Mixed, required: true } }, options);

/**
 * `_id` is `key:ID` or `account:ID`; `revision` changes with every write, and a log is packed (see `stores/quotas.ts`).
 * What has credits is kept for good: `expiresAt` is null.
 */
const quota = new Schema(
  {
    _id: text,
    revision: text,
    logs: [{ _id: false, name: text, windowMs: count, log: { type: Schema.Types.Buffer, required: true } }],
    credits: { type: Schema.Types.Mixed, default: null },
    reservations: { type: Schema.Types.Mixed, default: [] },
    expiresAt: optionalDate,
  },
  options,
).index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

const webhook = stateful({
  organizationId: text,
  url: text,
  description: { type: String, default: '' },
  events: { type: [String], default: null },
  status: { ...text, enum: ['active', 'disabled'] },
  disabledReason: { type: String, default: null },
  secrets: [{ _id: false, id: text, sealed: text, pepperId: text, createdAt: date, expiresAt: optionalDate }],
  slot: { type: Number, required: true },
  failingSince: optionalDate,
  createdAt: date,
  updatedAt: date,
  createdBy: text,
})
  // The number of webhooks: no two of an organization hold the same slot.
  .index({ organizationId: 1, slot: 1 }, { unique: true });

/** `nextAttemptAt` is there while there is to be another attempt; `leaseId` is whose turn it is. */
const webhookDelivery = new Schema(
  {
    _id: text,
    organizationId: text,
    webhookId: text,
    messageId: text,
    type: text,
    event: { type: Schema.Types.Mixed, default: null },
    payload: { type: String, default: null },
    status: { ...text, enum: ['pending', 'delivered', 'failed'] },
    tries: count,
    attempts: { type: [Schema.Types.Mixed], default: [] },
    nextAttemptAt: { type: Date },
    leaseId: { type: String },
    manual: { type: Boolean, default: false },
    createdAt: date,
    expiresAt: date,
  },
  options,
)
  // A message goes to a webhook once, whoever sends it on its way, and how often.
  .index({ webhookId: 1, messageId: 1 }, { unique: true })
  .index({ webhookId: 1, _id: -1 })
  .index(
    { nextAttemptAt: 1, webhookId: 1 },
    { partialFilterExpression: { nextAttemptAt: { $type: 'date' } } },
  )
  .index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

/** How far a sweep has come. */
const webhookMark = new Schema({ _id: text, until: date }, options);

/** How an entity is stored: its id is `_id`. */
export type Stored<Entity extends { readonly id: string }> = Omit<Entity, 'id'> & {
  _id: string;
  outbox?: AuditEvent[];
  deletedAt?: Date;
};
export type StoredSession = Omit<Session, 'digest'> & {
  _id: string;
  outbox?: AuditEvent[];
  deletedAt?: Date;
};
/** `untold`: it is still to be told to webhooks. */
export type StoredEvent = Omit<AuditEvent, 'id'> & { _id: string; untold?: true };
export type StoredDelivery = Omit<WebhookDelivery, 'id' | 'nextAttemptAt'> & {
  _id: string;
  nextAttemptAt?: Date;
  leaseId?: string;
};
export type StoredMark = { _id: string; until: Date };
export type StoredUsage = Omit<UsageDelta, 'minute' | 'counts'> & Counts & { _id: string; at: Date };
export type StoredRollUp = { _id: 'hours' | 'days'; until?: Date; cleared?: Date };
/** What was written before permissions were recorded has none of them. */
export type StoredActivity = {
  _id: string;
  /** As it was written before addresses were recorded with it. */
  secrets?: Readonly<Record<string, Date>>;
  secretUses?: KeyActivity['secrets'];
  permissions?: KeyActivity['permissions'];
  permissionsSince?: Date | null;
  last: { at: Date; ip: string; userAgent: string };
};
export type StoredImportRule = { _id: string; rule: ImportRule };
export type StoredWouldRefuse = {
  _id: string;
  organizationId: string;
  revision: string;
  entries: WouldRefuse[];
};
export type StoredLimit = {
  _id: string;
  revision: string;
  log: mongo.Binary;
  leases: Lease[];
  /** Of the writes that went with others in one command: the newest revisions, so that each can tell that it was made. */
  recent?: string[];
  expiresAt: Date;
};

export type StoredGhostUse = Omit<GhostUse, 'keyId'> & { _id: string; revision: string };
export type StoredQuota = Pick<QuotaRecord, 'reservations'> & {
  _id: string;
  revision: string;
  logs: { name: string; windowMs: number; log: mongo.Binary }[];
  credits: CreditBalance | null;
  expiresAt: Date | null;
};

/** The models of one connection. */
export const defineModels = (connection: Connection) => {
  const define = <Document>(name: string, schema: unknown, collection: string) =>
    connection.model<Document>(name, schema as Schema<Document>, collection);
  return {
    organizations: define<Stored<Organization> & { nameKey: string }>(
      'Organization',
      organization,
      'organizations',
    ),
    accounts: define<Stored<Account>>('Account', account, 'accounts'),
    keys: define<Stored<ApiKey>>('ApiKey', apiKey, 'api_keys'),
    projects: define<Stored<Project>>('Project', project, 'projects'),
    sessions: define<StoredSession>('Session', session, 'sessions'),
    audit: define<StoredEvent>('AuditEvent', auditEvent, 'audit_events'),
    usageMinutes: define<StoredUsage>('UsageMinute', usageOf(), 'usage_minutes'),
    usageHours: define<StoredUsage>('UsageHour', usageOf(), 'usage_hours'),
    usageDays: define<StoredUsage>('UsageDay', usageOf(), 'usage_days'),
    usageRollUps: define<StoredRollUp>('UsageRollUp', usageRollUp, 'usage_rollups'),
    activity: define<StoredActivity>('KeyActivity', keyActivity, 'key_activity'),
    importRules: define<StoredImportRule>('ImportRule', importRule, 'import_rules'),
    ghostUse: define<StoredGhostUse>('GhostUse', ghostUse, 'ghost_use'),
    wouldRefuse: define<StoredWouldRefuse>('WouldRefuse', wouldRefuse, 'would_refuse'),
    limits: define<StoredLimit>('Limit', limit, 'limits'),
    quotas: define<StoredQuota>('Quota', quota, 'quotas'),
    webhooks: define<Stored<Webhook>>('Webhook', webhook, 'webhooks'),
    webhookDeliveries: define<StoredDelivery>('WebhookDelivery', webhookDelivery, 'webhook_deliveries'),
    webhookMarks: define<StoredMark>('WebhookMark', webhookMark, 'webhook_marks'),
  };
};
export type Models = ReturnType<typeof defineModels>;
