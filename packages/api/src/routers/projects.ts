import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import {
  Project,
  ProjectCreateInput,
  ProjectIdInput,
  ProjectListInput,
  ProjectListOutput,
  ProjectUpdateInput,
} from '../contracts/projects.ts';
import { procedure } from '../trpc.ts';
import { defined, pageQuery, toOneProject, toPage, toProjects } from '../wire.ts';

export const projectsRouter = {
  list: procedure('projects:read', {
    method: 'GET',
    path: '/projects',
    summary: 'List projects, newest first',
  })
    .input(ProjectListInput)
    .output(ProjectListOutput)
    .query(async ({ ctx, input }) => {
      const projects = await ctx.domain.projects.list(ctx.principal, pageQuery(input));
      return toPage(await toProjects(ctx.domain, projects), input.limit);
    }),

  get: procedure('projects:read', { method: 'GET', path: '/projects/{id}', summary: 'Get a project' })
    .input(ProjectIdInput)
    .output(Project)
    .query(async ({ ctx, input }) =>
      toOneProject(ctx.domain, await ctx.domain.projects.get(ctx.principal, input.id)),
    ),

  create: procedure('projects:write', {
    method: 'POST',
    path: '/projects',
    status: 201,
    summary: 'Create a project',
  })
    .input(ProjectCreateInput)
    .output(Project)
    .mutation(async ({ ctx, input }) =>
      toOneProject(ctx.domain, await ctx.domain.projects.create(ctx.caller, input)),
    ),

  update: procedure('projects:write', {
    method: 'PATCH',
    path: '/projects/{id}',
    summary: 'Change a project',
  })
    .input(ProjectUpdateInput)
    .output(Project)
    .mutation(async ({ ctx, input: { id, ...change } }) =>
      toOneProject(ctx.domain, await ctx.domain.projects.update(ctx.caller, id, defined(change))),
    ),

  delete: procedure('projects:write', {
    method: 'DELETE',
    path: '/projects/{id}',
    summary: 'Delete a project',
  })
    .input(ProjectIdInput)
    .output(z.object({ id: z.string(), deleted: z.literal(true) }))
    .mutation(async ({ ctx, input }) => {
      await ctx.domain.projects.delete(ctx.caller, input.id);
      return { id: input.id, deleted: true };
    }),
} satisfies TRPCRouterRecord;
