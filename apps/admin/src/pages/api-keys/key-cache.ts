import type { InfiniteData } from '@tanstack/react-query';
import { queryClient } from '../../query-client.ts';
import { type Key, type KeyListInput, trpc } from '../../trpc.ts';

type Page = { data: Key[]; nextCursor: string | null };
export type Pages = InfiniteData<Page, string | null>;

/** More pages than these are not loaded anew as a whole. */
const MANY_PAGES = 3;
export const isShort = (query: {
  state: { data: { readonly pages: readonly unknown[] } | undefined };
}): boolean => (query.state.data?.pages.length ?? 0) <= MANY_PAGES;

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

const withKeys = (pages: Pages, keys: ReadonlyMap<string, Key>, mustBe: string | undefined): Pages => {
  let changed = false;
  const next = pages.pages.map((page) => {
    let touched = false;
    const data = page.data.flatMap((old) => {
      const key = keys.get(old.id);
      if (!key || same(key, old)) return [old];
      touched = true;
      return mustBe === undefined || key.status === mustBe ? [key] : [];
    });
    if (!touched) return page;
    changed = true;
    return { ...page, data };
  });
  return changed ? { ...pages, pages: next } : pages;
};

const isPages = (data: unknown): data is Pages =>
  typeof data === 'object' && data !== null && 'pages' in data && 'pageParams' in data;

/** Writes what is known of keys now into every list that has them; where they no longer belong, they go. */
export const putKeys = (keys: readonly Key[]): void => {
  const byId = new Map(keys.map((key) => [key.id, key]));
  for (const query of queryClient.getQueryCache().findAll(trpc.keys.list.pathFilter())) {
    const { data } = query.state;
    if (!isPages(data)) continue;
    const [, options] = query.queryKey as [unknown, { input?: KeyListInput }?];
    const next = withKeys(data, byId, options?.input?.status);
    if (next !== data) queryClient.setQueryData(query.queryKey, next);
  }
  for (const key of keys) {
    const queryKey = trpc.keys.get.queryKey({ id: key.id });
    if (queryClient.getQueryData(queryKey)) queryClient.setQueryData(queryKey, key);
  }
};

/**
 * There are keys that the lists do not know: short lists are loaded anew; of a long one only the beginning, whose new
 * keys go on top.
 */
export const findNewKeys = async (): Promise<void> => {
  const cache = queryClient.getQueryCache();
  for (const query of cache.findAll(trpc.keys.list.pathFilter())) {
    const { data } = query.state;
    if (!isPages(data) || isShort({ state: { data } })) {
      void queryClient.invalidateQueries({ queryKey: query.queryKey, exact: true });
      continue;
    }
    const [, options] = query.queryKey as [unknown, { input?: KeyListInput }?];
    const input = options?.input ?? {};
    if (!query.isActive() || input.sort !== undefined) continue;
    const top = (await queryClient.fetchQuery(trpc.keys.list.queryOptions({ ...input }, { staleTime: 0 })))
      .data;
    queryClient.setQueryData(query.queryKey, (pages: Pages | undefined) => {
      const [first, ...rest] = pages?.pages ?? [];
      if (!pages || !first) return pages;
      const known = new Set(first.data.map(({ id }) => id));
      const added = top.filter(({ id }) => !known.has(id));
      return { ...pages, pages: [{ ...first, data: [...added, ...first.data] }, ...rest] };
    });
  }
};
