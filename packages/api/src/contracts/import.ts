import { type ImportedHash, type ImportOutcome, type KeyToImport, START_MAX, START_MIN } from '@kaana/core';
import { z } from 'zod';
import { AllowedIps, Scopes } from './keys.ts';
import { Email, Id, line, Name, TimestampInput } from './shared.ts';

const WithoutPrefix = z
  .string()
  .min(1)
  .max(64)
  .describe('What tokens begin with that was left out when they were hashed, e.g. "sk_live_"');

const Sha256 = z.strictObject({
  format: z.literal('sha256'),
  value: z.string().max(64).describe('32 bytes, in hexadecimal, base64 or base64url'),
  salt: z.string().max(256).optional().describe('Text that was hashed together with the token'),
  saltPosition: z.enum(['before', 'after']).optional().describe('Of the salt; before the token by default'),
  withoutPrefix: WithoutPrefix.optional(),
});
const Encoded = z.strictObject({
  format: z.enum(['bcrypt', 'argon2id']),
  value: z.string().max(512).describe('The whole encoded hash: $2b$10$… or $argon2id$v=19$m=…'),
  withoutPrefix: WithoutPrefix.optional(),
});

/** One key of another system: a line of an import file. */
export const KeyImport = z
  .strictObject({
    owner: Email.describe('The e-mail address of the account that the key will belong to'),
    name: Name.describe('What the key is for'),
    hash: z.discriminatedUnion('format', [Sha256, Encoded]).describe('The hash of the whole token'),
    start: z
      .string()
      .regex(/^[\x21-\x7e]*$/, 'has characters that no token has')
      .min(START_MIN, `needs at least ${START_MIN} characters`)
      .max(START_MAX, `can have at most ${START_MAX} characters`)
      .optional()
      .describe(
        'The first characters of the token, exactly. Needed with bcrypt, argon2id, and salts that differ from key to key',
      ),
    externalId: line(128, 1).optional().describe('The id of the key in the other system'),
    scopes: Scopes.optional(),
    allowedIps: AllowedIps.optional(),
    createdAt: TimestampInput.optional(),
    expiresAt: TimestampInput.optional(),
  })
  .meta({ id: 'KeyImport' });

/** So many keep the body below its limit of 1 MiB. */
export const MAX_IMPORT_KEYS = 500;

export const KeyImportInput = z.strictObject({
  keys: z.array(KeyImport).min(1).max(MAX_IMPORT_KEYS),
  dryRun: z.boolean().default(false).describe('Writes nothing, and says what would become of each key'),
});

export const KeyImportOutput = z.object({
  imported: z.number().int(),
  existing: z.number().int().describe('Imported before with the same hash'),
  rejected: z.number().int(),
  results: z
    .array(
      z.object({
        status: z.enum(['imported', 'exists', 'rejected']),
        id: Id.nullable().describe('Of the key; null where it was rejected, and in a dry run'),
        reason: z.string().nullable().describe('Why it was rejected'),
      }),
    )
    .describe('In the order of the keys'),
});

const toHash = (hash: z.infer<typeof KeyImport>['hash']): ImportedHash => ({
  format: hash.format,
  value: hash.value,
  salt: (hash.format === 'sha256' && hash.salt) || null,
  saltPosition: (hash.format === 'sha256' && hash.saltPosition) || 'before',
  withoutPrefix: hash.withoutPrefix ?? null,
});

const toDate = (text: string | undefined): Date | null => (text === undefined ? null : new Date(text));

export const toKeyToImport = (given: z.infer<typeof KeyImport>): KeyToImport => ({
  owner: given.owner,
  name: given.name,
  hash: toHash(given.hash),
  start: given.start ?? null,
  externalId: given.externalId ?? null,
  scopes: given.scopes ? [...new Set(given.scopes)] : null,
  allowedIps: given.allowedIps ?? null,
  createdAt: toDate(given.createdAt),
  expiresAt: toDate(given.expiresAt),
});

export const toImportResult = (outcomes: readonly ImportOutcome[]): z.infer<typeof KeyImportOutput> => {
  const count = (status: ImportOutcome['status']) =>
    outcomes.filter((outcome) => outcome.status === status).length;
  return {
    imported: count('imported'),
    existing: count('exists'),
    rejected: count('rejected'),
    results: outcomes.map((outcome) => ({
      status: outcome.status,
      id: outcome.status === 'rejected' ? null : outcome.id,
      reason: outcome.status === 'rejected' ? outcome.reason : null,
    })),
  };
};
