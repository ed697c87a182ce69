import { z } from 'zod';
import {
  Email,
  Id,
  NewPassword,
  OrganizationSummary,
  PermissionSchema,
  RoleSchema,
  Timestamp,
} from './shared.ts';

export const AccountStatus = z.enum(['active', 'deactivated']);

export const User = z
  .object({
    id: Id,
    email: z.string(),
    name: z.string(),
    role: RoleSchema,
    status: AccountStatus,
    organization: OrganizationSummary,
    permissions: z.array(PermissionSchema).describe('What this request is allowed to do'),
  })
  .meta({ id: 'User' });

export const SessionInfo = z
  .object({
    id: Id,
    createdAt: Timestamp,
    expiresAt: Timestamp,
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
    current: z.boolean().describe('The one that asks'),
  })
  .meta({ id: 'Session' });
export const SessionListOutput = z.object({ data: z.array(SessionInfo), nextCursor: z.null() });
export const SessionIdInput = z.strictObject({ id: Id });

export const SignInInput = z.strictObject({ email: Email, password: z.string().min(1).max(1000) });
export const PasswordChangeInput = z.strictObject({
  currentPassword: z.string().min(1).max(1000),
  newPassword: NewPassword,
});
