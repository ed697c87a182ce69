import type { Session, SessionStore } from '@kaana/core';
import { LIVE } from '../entity.ts';
import type { StatefulCollection } from '../outbox.ts';
import type { Models, StoredSession } from '../schemas.ts';

/** Nobody is signed in in more places; a script that signs in all the time is. */
const MAX_LISTED = 500;

const toSession = ({ _id, outbox: _outbox, deletedAt: _deletedAt, ...fields }: StoredSession): Session => ({
  ...fields,
  // Sessions of before have neither.
  ip: fields.ip ?? null,
  userAgent: fields.userAgent ?? null,
  digest: _id,
});

export const createSessionStore = (
  { sessions }: Models,
  state: StatefulCollection<StoredSession>,
): SessionStore => ({
  insert: async ({ digest, ...fields }, event) => {
    await state.insert({ ...fields, _id: digest }, event);
  },
  getMany: async (digests) => {
    const found = await sessions.collection
      .find({ _id: { $in: digests as never[] }, ...LIVE }, { projection: { outbox: 0 } })
      .toArray();
    return new Map(
      (found as unknown as StoredSession[]).map((document) => [document._id, toSession(document)]),
    );
  },
  list: async (accountId, now) => {
    const found = await sessions
      .find({ accountId, expiresAt: { $gt: now }, ...LIVE })
      .sort({ createdAt: -1 })
      .limit(MAX_LISTED)
      .lean<StoredSession[]>();
    return found.map(toSession);
  },
  delete: (digest, event) => state.delete({ _id: digest }, event),
  deleteOfAccount: async (accountId, exceptDigest, at) => {
    // Marked, not removed: a session may still carry an event. The TTL index removes it when it would have expired.
    await sessions.updateMany(
      { accountId, ...LIVE, ...(exceptDigest === null ? {} : { _id: { $ne: exceptDigest } }) },
      { $set: { deletedAt: at } },
    );
  },
});
