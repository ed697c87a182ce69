import { overloaded } from './coalesce.ts';

/** What the database holds under an id; all `null` where it holds nothing. */
export type Held<Value> = { readonly revision: string | null; readonly value: Value | null };

/** Documents that are decided about by a process, and written only where nobody wrote in between (see decision 3). */
export type RevisionedStore<Value> = {
  /** Only what is there. */
  read(ids: readonly string[]): Promise<ReadonlyMap<string, Held<Value>>>;
  /** The new revision; `null`: it no longer has the one `expected`. */
  write(id: string, expected: string | null, value: Value): Promise<string | null>;
};

const NOTHING = { revision: null, value: null } as const;
/** Each lost race means that somebody else got on. So many in a row are no coincidence. */
const ATTEMPTS = 20;

/** Decides about `id`, and writes what was decided; again, where another process was faster. `null` of `decide`: leave it. */
export const rewrite = async <Value>(
  { read, write }: RevisionedStore<Value>,
  id: string,
  first: Held<Value> | undefined,
  decide: (value: Value | null) => Value | null,
): Promise<void> => {
  let held = first ?? NOTHING;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const next = decide(held.value);
    if (next === null || (await write(id, held.revision, next)) !== null) return;
    held = (await read([id])).get(id) ?? NOTHING;
  }
  throw overloaded();
};

/** Runs `work` on all items, `width` at a time; the first failure is thrown once what had begun has ended. */
export const inParallel = async <Item>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<void>,
): Promise<void> => {
  const rest = items.values();
  let failed: { readonly error: unknown } | null = null;
  const worker = async () => {
    for (const item of rest) {
      if (failed) return;
      try {
        await work(item);
      } catch (error) {
        failed ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (failed !== null) throw (failed as { readonly error: unknown }).error;
};
