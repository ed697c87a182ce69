import { z } from 'zod';
import { NamedLimit, NamedLimits } from './limits.ts';
import { Email, Id, Name, PageInput, page, RoleSchema, Timestamp } from './shared.ts';
import { AccountStatus } from './user.ts';

export const Member = z
  .object({
    id: Id,
    email: z.string(),
    name: z.string(),
    role: RoleSchema,
    status: AccountStatus,
    createdAt: Timestamp,
    lastSignedInAt: Timestamp.nullable(),
    activeKeys: z.number().int(),
    limits: z.array(NamedLimit).describe('Beside the plan’s, over all its keys'),
  })
  .meta({ id: 'Member' });

export const MemberListInput = z.strictObject(PageInput).prefault({});
export const MemberListOutput = page(Member);
export const MemberInviteInput = z.strictObject({ email: Email, name: Name, role: RoleSchema });
export const MemberInviteOutput = z.object({
  member: Member,
  initialPassword: z.string().describe('Hand it over in private; it is in this answer and nowhere else.'),
});
export const MemberUpdateInput = z.strictObject({
  id: Id,
  name: Name.optional(),
  role: RoleSchema.optional(),
  status: AccountStatus.optional(),
});
export const MemberLimitsInput = z.strictObject({
  id: Id,
  limits: NamedLimits.describe('All of them; an empty list takes them away'),
});
