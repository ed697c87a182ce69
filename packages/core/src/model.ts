import type { CreditTerms } from './credits.ts';
import type { KeptHash } from './imported-hash.ts';
import type { NamedLimit } from './named-limits.ts';
import type { Permission, Role } from './permissions.ts';
import type { Plan } from './plans.ts';
import type { Policies } from './policies.ts';
import type { RestrictionMode } from './restrictions.ts';

/** The tenant. */
export type Organization = {
  readonly id: string;
  readonly name: string;
  readonly plan: Plan;
  /** The organization's own limit per account; `null`: the plan's. */
  readonly requestsPerMinute: number | null;
  /** Runs this server: its keys with `keys:verify` verify the keys of every organization. */
  readonly operator: boolean;
  /** What it demands of its keys. */
  readonly policies: Policies;
  readonly createdAt: Date;
};

export type AccountStatus = 'active' | 'deactivated';

/** One person in one organization. */
export type Account = {
  readonly id: string;
  readonly organizationId: string;
  /** Lower case; unique over all organizations, since it is what a person signs in with. */
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly status: AccountStatus;
  /** bcrypt. */
  readonly passwordHash: string;
  /** Beside the plan's, over all its keys. */
  readonly limits: readonly NamedLimit[] | null;
  readonly createdAt: Date;
  readonly lastSignedInAt: Date | null;
};

/** What a token is stored as. A key has more than one only while it is being rotated; the newest comes first. */
export type KeySecret = {
  readonly id: string;
  /** HMAC-SHA-256(pepper, token), base64url. */
  readonly digest: string;
  readonly pepperId: string;
  readonly start: string;
  readonly createdAt: Date;
  /** When a secret that has been rotated out stops working, at the latest. */
  readonly expiresAt: Date | null;
  /** Works no more, whatever any clock says. */
  readonly ended?: true;
  /**
   * Of a new secret that nobody has used yet: how long the old one works on from its first use; `null`: until it expires.
   */
  readonly unused?: { readonly overlapSeconds: number | null };
  /** Of a secret of another system that has not been used here yet: its digest is no token's until then. */
  readonly imported?: KeptHash;
};

/** Who found a token where it does not belong, and where. */
export type LeakSource = {
  readonly reporter: 'anonymous' | 'github';
  readonly url: string | null;
};

/** Where a key comes from that another system has made. */
export type KeyImport = {
  /** Its id there. */
  readonly externalId: string | null;
  /** HMAC-SHA-256(pepper, hash): the same hash is imported once, also after its token has been used. */
  readonly fingerprint: string;
  readonly format: KeptHash['format'];
  readonly at: Date;
  /** When its token was first used here, and stored as ours are. */
  readonly migratedAt: Date | null;
};

export type ApiKey = {
  readonly id: string;
  readonly organizationId: string;
  /** The owner, who is also its creator. */
  readonly accountId: string;
  readonly name: string;
  readonly secrets: readonly KeySecret[];
  readonly status: 'active' | 'revoked';
  /** The place that it takes among its owner's active keys (see `keys.ts`); `null` once it no longer counts. */
  readonly slot: number | null;
  readonly scopes: readonly Permission[] | null;
  readonly scopesMode: RestrictionMode;
  /** When the scopes or their mode were last changed; `null`: they are as the key was created. */
  readonly scopesChangedAt: Date | null;
  /** Addresses and CIDR ranges. */
  readonly allowedIps: readonly string[] | null;
  readonly allowedIpsMode: RestrictionMode;
  readonly allowedIpsChangedAt: Date | null;
  /** Beside the plan's and its account's. */
  readonly limits: readonly NamedLimit[] | null;
  /** `null`: it has never had any, and its requests cost none. */
  readonly credits: CreditTerms | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly revokedReason: string | null;
  readonly imported?: KeyImport;
  /** Of a child key: the key that has made it. Whose child a key is never changes. */
  readonly parentId?: string;
  /** All keys that it comes from, its parent first: it works only while each of them does. */
  readonly ancestors?: readonly string[];
  /** Its place among its parent's children that hold a slot (see `children.ts`). */
  readonly childSlot?: number;
  /** Whether it has ever had children. */
  readonly delegates?: boolean;
  /** When a token of it was first reported as found in public. */
  readonly leakedAt?: Date;
  readonly leakSource?: LeakSource;
};

/** A last use, and from where it came; empty where that is not known. */
export type LastUse = { readonly at: Date; readonly ip: string; readonly userAgent: string };

/** Written behind, apart from the key, so that use never contends with a change of state. */
export type KeyActivity = {
  readonly lastUsedAt: Date;
  readonly ip: string;
  readonly userAgent: string;
  /** Secret id -> last use. */
  readonly secrets: Readonly<Record<string, LastUse>>;
  /** What the key was used for: permission -> when a request that needs it last passed. */
  readonly permissions: Readonly<Partial<Record<Permission, Date>>>;
  /** Since when `permissions` is complete; `null` where nothing was recorded yet. */
  readonly permissionsSince: Date | null;
};

/** Something that a restriction in report mode let pass and would otherwise have refused. */
export type WouldRefuse = {
  readonly check: 'scope' | 'ip';
  /** The permission or the address; `null`: all further ones together. */
  readonly value: string | null;
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
};

export type Project = {
  readonly id: string;
  readonly organizationId: string;
  readonly name: string;
  readonly description: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Account id; `null` for what the system made. */
  readonly createdBy: string | null;
};

export type Session = {
  /** SHA-256 of the cookie's value. */
  readonly digest: string;
  readonly id: string;
  readonly organizationId: string;
  readonly accountId: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** Where it was signed in from. */
  readonly ip: string | null;
  readonly userAgent: string | null;
};

export type Actor = {
  readonly type: 'account' | 'key' | 'operator' | 'system' | 'anonymous';
  /** Account id. */
  readonly id: string | null;
  readonly name: string;
  readonly keyId: string | null;
};

/** A change of state, as it is told afterwards. It travels inside the write that it records. */
export type AuditEvent = {
  readonly id: string;
  readonly organizationId: string;
  readonly at: Date;
  readonly action: string;
  readonly actor: Actor;
  readonly target: { readonly type: string; readonly id: string; readonly name: string };
  readonly changes: Readonly<Record<string, { readonly from: unknown; readonly to: unknown }>>;
  readonly requestId: string | null;
  readonly ip: string | null;
};
