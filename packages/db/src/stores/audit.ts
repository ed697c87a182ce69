import type { AuditEvent, AuditStore } from '@kaana/core';
import { beforeCursor, NEWEST_FIRST, toEntity } from '../entity.ts';
import type { Models, StoredEvent } from '../schemas.ts';

export const createAuditStore = (
  { audit }: Models,
  states: readonly { sweep(): Promise<number> }[],
): AuditStore => ({
  list: async (query) => {
    const { organizationId, action, targetId, actorId, keyId, from, to, limit } = query;
    const found = await audit
      .find({
        organizationId,
        ...(action === undefined ? {} : { action }),
        ...(targetId === undefined ? {} : { 'target.id': targetId }),
        ...(actorId === undefined ? {} : { 'actor.id': actorId }),
        ...(keyId === undefined ? {} : { $or: [{ 'target.id': keyId }, { 'actor.keyId': keyId }] }),
        ...(from || to ? { at: { ...(from ? { $gte: from } : {}), ...(to ? { $lt: to } : {}) } } : {}),
        ...beforeCursor(query),
      })
      .select({ untold: 0 })
      .sort(NEWEST_FIRST)
      .limit(limit)
      .lean<StoredEvent[]>();
    return found.map((event): AuditEvent => toEntity(event));
  },
  sweep: async () => {
    let moved = 0;
    for (const state of states) moved += await state.sweep();
    return moved;
  },
});
