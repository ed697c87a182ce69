import type { ApiKey, KeySearch, KeySort, ListedKey } from '@kaana/core';
import type { Model, QueryFilter } from 'mongoose';
import { LIVE } from '../entity.ts';
import type { Stored } from '../schemas.ts';
import { toKey } from './key-entity.ts';

type StoredKey = Stored<ApiKey>;
type Found = StoredKey & { position: string | Date; activity?: unknown };

/** Never used comes first, never expiring last: as "the one that is idle for longest" and "the next" would have it. */
const NEVER_USED = new Date(0);
const NEVER_EXPIRES = new Date(Date.UTC(9999, 11, 31));

const POSITION: Readonly<Record<KeySort, unknown>> = {
  created: '$_id',
  name: { $toLower: '$name' },
  lastUsed: { $ifNull: [{ $first: '$activity.last.at' }, NEVER_USED] },
  expires: { $ifNull: ['$expiresAt', NEVER_EXPIRES] },
};

const ACTIVITY = {
  $lookup: { from: 'key_activity', localField: '_id', foreignField: '_id', as: 'activity' },
} as const;

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const matchingText = (search: string): QueryFilter<StoredKey> => {
  const part = escaped(search);
  // Every start begins with the same letters: they say nothing, unless they are searched for with what follows.
  const start = new RegExp(search.includes('_') ? `^${part}` : `_.*${part}`, 'i');
  return {
    $or: [{ name: new RegExp(part, 'i') }, { 'secrets.start': start }, { _id: search }],
  } as QueryFilter<StoredKey>;
};

/**
 * Looks at every key of the organization or the account that is asked for, unlike a list by creation: for people, who
 * search and sort now and then.
 */
export const searchKeys = async (
  keys: Model<StoredKey>,
  statusFilter: QueryFilter<StoredKey>,
  { organizationId, accountId, search, sort, order, after, limit }: KeySearch,
): Promise<ListedKey[]> => {
  const direction = order === 'asc' ? 1 : -1;
  const beyond = order === 'asc' ? '$gt' : '$lt';
  const value = typeof after?.value === 'number' ? new Date(after.value) : after?.value;
  const conditions = [
    { organizationId, ...LIVE },
    ...(accountId === undefined ? [] : [{ accountId }]),
    statusFilter,
    ...(search ? [matchingText(search)] : []),
  ];
  const found = await keys.collection
    .aggregate<Found>([
      { $match: { $and: conditions } },
      ...(sort === 'lastUsed' ? [ACTIVITY] : []),
      { $set: { position: POSITION[sort] } },
      ...(after
        ? [
            {
              $match: {
                $or: [{ position: { [beyond]: value } }, { position: value, _id: { [beyond]: after.id } }],
              },
            },
          ]
        : []),
      { $sort: { position: direction, _id: direction } },
      { $limit: limit },
    ])
    .toArray();
  return found.map(({ position, activity: _activity, ...document }) => {
    const key = toKey(document as StoredKey);
    return { key, position: { value: position instanceof Date ? position.getTime() : position, id: key.id } };
  });
};
