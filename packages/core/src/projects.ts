import type { Clock } from './clock.ts';
import { KaanaError } from './errors.ts';
import { createId } from './ids.ts';
import type { Project } from './model.ts';
import { type Caller, changesOf, eventOf, type Principal } from './principal.ts';
import type { PageQuery, Stores } from './stores.ts';

export type Projects = {
  list(principal: Principal, page: PageQuery): Promise<readonly Project[]>;
  get(principal: Principal, id: string): Promise<Project>;
  create(caller: Caller, input: Pick<Project, 'name' | 'description'>): Promise<Project>;
  update(
    caller: Caller,
    id: string,
    change: Partial<Pick<Project, 'name' | 'description'>>,
  ): Promise<Project>;
  delete(caller: Caller, id: string): Promise<void>;
};

export const createProjects = (stores: Pick<Stores, 'projects'>, clock: Clock): Projects => {
  const target = (project: Project) => ({ type: 'project', id: project.id, name: project.name });
  const notFound = () => new KaanaError('not_found', 'No such project in your organization.');
  const get = async (principal: Principal, id: string): Promise<Project> => {
    const project = await stores.projects.get(principal.organization.id, id);
    if (!project) throw notFound();
    return project;
  };

  return {
    get,
    list: (principal, page) => stores.projects.list(principal.organization.id, page),

    create: async (caller, input) => {
      const { organization, account } = caller.principal;
      const now = clock();
      const project: Project = {
        id: createId('prj', now),
        organizationId: organization.id,
        ...input,
        createdAt: new Date(now),
        updatedAt: new Date(now),
        createdBy: account.id,
      };
      const event = eventOf(now, caller, 'project.created', target(project), {
        name: { from: null, to: project.name },
      });
      await stores.projects.insert(project, event);
      return project;
    },

    update: async (caller, id, change) => {
      const project = await get(caller.principal, id);
      const changes = changesOf<Project>(project, change);
      if (!changes) return project;
      const now = clock();
      const event = eventOf(now, caller, 'project.updated', target(project), changes);
      const updated = await stores.projects.update(
        project.organizationId,
        id,
        { ...change, updatedAt: new Date(now) },
        event,
      );
      if (!updated) throw notFound();
      return updated;
    },

    delete: async (caller, id) => {
      const project = await get(caller.principal, id);
      const event = eventOf(clock(), caller, 'project.deleted', target(project), {
        name: { from: project.name, to: null },
      });
      if (!(await stores.projects.delete(project.organizationId, id, event))) throw notFound();
    },
  };
};
