import { z } from 'zod';
import { Email, Id, NewPassword, OrganizationSummary, PermissionSchema, RoleSchema } from './shared.ts';

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

export const SignInInput = z.strictObject({ email: Email, password: z.string().min(1).max(1000) });
export const PasswordChangeInput = z.strictObject({
  currentPassword: z.string().min(1).max(1000),
  newPassword: NewPassword,
});
