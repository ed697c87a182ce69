import type { GhostUse, RevisionedStore } from '@kaana/core';
import type { Models, StoredGhostUse } from '../schemas.ts';
import { readRevisioned, writeRevisioned } from './revisioned.ts';

const toGhostUse = ({ _id, revision: _revision, ...fields }: StoredGhostUse): GhostUse => ({
  keyId: _id,
  ...fields,
});

export const createGhostUseStore = ({ ghostUse }: Models): RevisionedStore<GhostUse> => ({
  read: (ids) => readRevisioned(ghostUse, ids, toGhostUse),
  write: (id, expected, { keyId: _keyId, ...fields }) => writeRevisioned(ghostUse, id, expected, fields),
});
