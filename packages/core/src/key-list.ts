import type { ApiKey } from './model.ts';

/** What a list of keys can be ordered by. */
export const KEY_SORTS = ['created', 'name', 'lastUsed', 'expires'] as const;
export type KeySort = (typeof KEY_SORTS)[number];
export const ORDERS = ['asc', 'desc'] as const;
export type Order = (typeof ORDERS)[number];

/** What one first wants to see: the newest, A before Z, what has not been used for longest, what expires next. */
export const NATURAL_ORDER: Readonly<Record<KeySort, Order>> = {
  created: 'desc',
  name: 'asc',
  lastUsed: 'asc',
  expires: 'asc',
};

/** Where a page ended: the value that it is ordered by, and the id for keys that share it. */
export type KeyPosition = { readonly value: string | number; readonly id: string };

/** A key, and where it stands in the list that was asked for. */
export type ListedKey = { readonly key: ApiKey; readonly position: KeyPosition };
