import { findTokens } from '@kaana/api-key';
import { PERMISSIONS, PLANS, ROLES } from '@kaana/core';
import { z } from 'zod';

export const Id = z.string().min(1).max(64);
export const Timestamp = z.iso.datetime({ precision: 3 }).describe('ISO 8601, UTC, milliseconds');
const YEAR_1970 = 0;
const YEAR_9999 = Date.UTC(9999, 0);
/** What a caller may send for a time: any ISO 8601 date-time with an offset, whose year stays one of four digits. */
export const TimestampInput = z.iso.datetime({ offset: true }).refine((text) => {
  const time = Date.parse(text);
  return time >= YEAR_1970 && time < YEAR_9999;
}, 'must be between the years 1970 and 9998');
export const PermissionSchema = z.enum(PERMISSIONS);
export const RoleSchema = z.enum(ROLES);
export const PlanSchema = z.enum(PLANS);
export const Email = z.string().trim().toLowerCase().max(254).pipe(z.email('is not an e-mail address'));
/** bcrypt reads 72 bytes and ignores the rest, so a longer password is refused instead of being cut. */
export const NewPassword = z
  .string()
  .min(10, 'needs at least 10 characters')
  .refine((text) => new TextEncoder().encode(text).length <= 72, 'can have at most 72 bytes');

const hasControlCharacter = (text: string) =>
  [...text].some((character) => character < ' ' || character === '\u007f');
/** People paste into the wrong field. What is kept and shown must never be a key. */
export const withoutToken = (text: z.ZodString) =>
  text.refine(
    (value) => findTokens(value).length === 0,
    'contains an API key: keep it out of texts that are stored',
  );

/** A name or a line of text that people read: trimmed, one line. */
export const line = (maxLength: number, minLength = 0) =>
  withoutToken(
    z
      .string()
      .trim()
      .min(minLength, 'must not be empty')
      .max(maxLength, `can have at most ${maxLength} characters`),
  ).refine((text) => !hasControlCharacter(text), 'cannot contain line breaks or control characters');
export const Name = line(100, 1);

export const PageInput = {
  limit: z.number().int().min(1).max(200).default(50).describe('How many to return at most'),
  cursor: z.string().min(1).max(1000).optional().describe('`nextCursor` of the page before'),
};
export const page = <Item extends z.ZodType>(item: Item) =>
  z.object({ data: z.array(item), nextCursor: z.string().nullable() });

export const AccountSummary = z.object({ id: Id, name: z.string(), email: z.string() });
export const OrganizationSummary = z.object({ id: Id, name: z.string(), plan: PlanSchema });
