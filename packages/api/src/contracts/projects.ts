import { z } from 'zod';
import { AccountSummary, Id, Name, PageInput, page, Timestamp, withoutToken } from './shared.ts';

const Description = withoutToken(z.string().trim().max(2000, 'can have at most 2000 characters'));

export const Project = z
  .object({
    id: Id,
    name: z.string(),
    description: z.string(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    createdBy: AccountSummary.nullable(),
  })
  .meta({ id: 'Project' });

export const ProjectListInput = z.strictObject(PageInput).prefault({});
export const ProjectListOutput = page(Project);
export const ProjectIdInput = z.strictObject({ id: Id });
export const ProjectCreateInput = z.strictObject({ name: Name, description: Description.default('') });
export const ProjectUpdateInput = z.strictObject({
  id: Id,
  name: Name.optional(),
  description: Description.optional(),
});
