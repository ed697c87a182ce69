import type { Project, ProjectStore } from '@kaana/core';
import { beforeCursor, LIVE, NEWEST_FIRST, toEntity, toStored } from '../entity.ts';
import type { StatefulCollection } from '../outbox.ts';
import type { Models, Stored } from '../schemas.ts';

type StoredProject = Stored<Project>;

export const createProjectStore = (
  { projects }: Models,
  state: StatefulCollection<StoredProject>,
): ProjectStore => ({
  insert: async (project, event) => ((await state.insert(toStored(project), event)) ? 'inserted' : 'exists'),
  get: async (organizationId, id) => {
    const found = await projects.findOne({ _id: id, organizationId, ...LIVE }).lean<StoredProject>();
    return found && toEntity(found);
  },
  list: async (organizationId, page) => {
    const found = await projects
      .find({ organizationId, ...beforeCursor(page), ...LIVE })
      .sort(NEWEST_FIRST)
      .limit(page.limit)
      .lean<StoredProject[]>();
    return found.map(toEntity);
  },
  update: async (organizationId, id, change, event) => {
    const updated = await state.update({ _id: id, organizationId }, change, event);
    return updated && toEntity(updated);
  },
  delete: (organizationId, id, event) => state.delete({ _id: id, organizationId }, event),
});
