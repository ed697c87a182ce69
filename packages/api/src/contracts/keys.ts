import { IMPORT_FORMATS, KEY_SORTS, ORDERS, OVERLAP_BEGINNINGS, RESTRICTION_MODES } from '@kaana/core';
import { z } from 'zod';
import { CreditChange, Credits, NamedLimit, NamedLimits, NewCredits } from './limits.ts';
import {
  AccountSummary,
  Id,
  line,
  Name,
  PageInput,
  PermissionSchema,
  page,
  Timestamp,
  TimestampInput,
} from './shared.ts';

export const ImportFormat = z.enum(IMPORT_FORMATS);
export const KeyStatus = z.enum(['active', 'revoked', 'expired']);

export const RestrictionMode = z.enum(RESTRICTION_MODES);
const ScopesMode = RestrictionMode.describe(
  'What becomes of the scopes: `enforce` refuses what is beyond them; `report` lets it pass, and counts it; `off` keeps ' +
    'the list and does nothing. A key whose scopes are not enforced may do all that its owner may',
);
const AllowedIpsMode = RestrictionMode.describe(
  'The same for `allowedIps`: `enforce` refuses other addresses, `report` lets them pass and counts them, `off` does nothing',
);

export const KeySecret = z.object({
  id: Id,
  start: z.string().describe('First characters of the token, to tell secrets apart'),
  createdAt: Timestamp,
  expiresAt: Timestamp.nullable().describe(
    'Of a secret that has been rotated out: when it stops working, or has stopped',
  ),
  expiresAfterFirstUseSeconds: z
    .number()
    .int()
    .nullable()
    .describe(
      'Of an old secret whose overlap has not begun: it stops so long after the first use of the new one, but not later than `expiresAt`',
    ),
  unused: z
    .boolean()
    .describe('A new secret that nobody has used yet: until then the rotation can be taken back'),
  lastUsedAt: Timestamp.nullable(),
  lastUsedIp: z.string().nullable(),
  lastUsedUserAgent: z.string().nullable(),
});

export const Key = z
  .object({
    id: Id,
    name: z.string(),
    start: z.string().describe('First characters of the newest token'),
    status: KeyStatus,
    scopes: z.array(PermissionSchema).nullable().describe('null: all that its owner may do'),
    scopesMode: ScopesMode,
    allowedIps: z.array(z.string()).nullable().describe('Addresses and CIDR ranges; null: any'),
    allowedIpsMode: AllowedIpsMode,
    wouldRefuse: z
      .object({ count: z.number().int(), lastAt: Timestamp })
      .nullable()
      .describe('What the lists in mode `report` would have refused so far; null: nothing'),
    limits: z.array(NamedLimit).describe('Beside those of its account'),
    credits: Credits.nullable().describe('null: its requests cost none'),
    createdAt: Timestamp,
    lastUsedAt: Timestamp.nullable(),
    lastUsedIp: z.string().nullable(),
    lastUsedUserAgent: z.string().nullable(),
    expiresAt: Timestamp.nullable(),
    revokedAt: Timestamp.nullable(),
    revokedReason: z.string().nullable(),
    parentId: Id.nullable().describe(
      'Of a child key: the key that has made it, and that it stops and ends with',
    ),
    createdBy: AccountSummary.describe('The account that the key belongs to'),
    leakedAt: Timestamp.nullable().describe('When a token of it was first reported as found in public'),
    leakSource: z
      .object({ reporter: z.enum(['anonymous', 'github']), url: z.string().nullable() })
      .nullable(),
    imported: z
      .object({
        externalId: z.string().nullable().describe('Its id in the other system'),
        format: ImportFormat,
        at: Timestamp,
        migratedAt: Timestamp.nullable().describe('When its token was first used here'),
      })
      .nullable()
      .describe('Set on a key that another system has made'),
    secrets: z.array(KeySecret).describe('Newest first; two only while the key is being rotated'),
  })
  .meta({ id: 'Key' });

export const KeyWithToken = z.object({
  key: Key,
  token: z.string().describe('The API key itself. It is in this answer and nowhere else: store it now.'),
});

export const Scopes = z.array(PermissionSchema).min(1, 'name at least one, or leave it out').max(20);
export const AllowedIps = z
  .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'is no IP address and no CIDR range'))
  .min(1)
  .max(100);
const Reason = line(200, 1);

export const KeyListInput = z
  .strictObject({
    status: KeyStatus.optional(),
    accountId: Id.optional().describe('Only the keys of this account'),
    parentId: Id.optional().describe('Only the children of this key'),
    search: line(100).optional().describe('Part of the name, or of the start of a token; any case'),
    sort: z.enum(KEY_SORTS).default('created'),
    order: z
      .enum(ORDERS)
      .optional()
      .describe('Default: newest first; by name A to Z; by last use or expiry the earliest first'),
    ...PageInput,
  })
  .prefault({});
export const KeyListOutput = page(Key);
export const KeyWatchInput = z.strictObject({
  ids: z.array(Id).max(100),
  accountId: Id.optional(),
});
export const KeyWatchOutput = z.object({
  data: z.array(Key),
  newestId: Id.nullable().describe('The newest key of all, or of the account'),
});
export const KeyIdInput = z.strictObject({ id: Id });
export const KeyCreateInput = z.strictObject({
  name: Name.describe('What the key is for, e.g. "Zapier Integration"'),
  scopes: Scopes.optional(),
  scopesMode: ScopesMode.optional(),
  expiresAt: TimestampInput.optional(),
  allowedIps: AllowedIps.optional(),
  allowedIpsMode: AllowedIpsMode.optional(),
  limits: NamedLimits.optional().describe('Beside those of your account'),
  credits: NewCredits.optional().describe('Set by admins'),
});
export const KeyUpdateInput = z.strictObject({
  id: Id,
  name: Name.optional(),
  scopes: Scopes.nullable().optional(),
  scopesMode: ScopesMode.optional(),
  expiresAt: TimestampInput.nullable().optional(),
  allowedIps: AllowedIps.nullable().optional(),
  allowedIpsMode: AllowedIpsMode.optional(),
  limits: NamedLimits.nullable()
    .optional()
    .describe('All of them; to raise or take away a limit is for admins'),
});
export const KeyCreditsInput = z.strictObject({ id: Id, ...CreditChange });
export const KeyRevokeInput = z.strictObject({ id: Id, reason: Reason.optional() });
export const KeyRotateInput = z.strictObject({
  id: Id,
  overlapSeconds: z
    .number()
    .int()
    .min(0)
    .max(30 * 24 * 3600)
    .default(24 * 3600)
    .describe('How long the old secret goes on working; 0: it stops at once'),
  overlapBegins: z
    .enum(OVERLAP_BEGINNINGS)
    .optional()
    .describe(
      '`firstUse`: the overlap begins when the new secret is first used, and until then the old one works. `now`: it begins ' +
        'at once. Default: `firstUse`, but with an overlap of 0 `now`',
    ),
});
const LeakedToken = z.string().max(1000);
export const KeyLeakedInput = z
  .strictObject({
    token: LeakedToken.optional(),
    tokens: z.array(LeakedToken).min(1).max(1000).optional().describe('Up to 1000 at once'),
  })
  .refine(({ token, tokens }) => (token === undefined) !== (tokens === undefined), 'give token or tokens');
export const KeyLeakedOutput = z.object({ received: z.literal(true) });
