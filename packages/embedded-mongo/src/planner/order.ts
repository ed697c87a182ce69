import type { IndexSpec } from '../indexes/spec.ts';
import type { SortField } from '../query/sort.ts';
import type { Conditions } from './conditions.ts';

/** Whether walking the index, forwards or in reverse, gives the order that the sort asks for. */
export function sortDirection(
  index: IndexSpec,
  sort: SortField[],
  fixed: number,
  used: number,
  conditions: Conditions,
): 'forward' | 'reverse' | undefined {
  if (sort.length === 0 || fixed < used) return undefined;
  // A field that equals one value orders nothing.
  const constant = new Set(index.fields.slice(0, fixed).map((field) => field.path));
  const rest = sort.filter(
    (field) => !(constant.has(field.path) && conditions.fields.get(field.path)?.points?.length === 1),
  );
  const fields = index.fields.slice(fixed);
  if (rest.length > fields.length) return undefined;
  let direction: 'forward' | 'reverse' | undefined;
  for (let i = 0; i < rest.length; i++) {
    const field = fields[i];
    if (!field || field.path !== rest[i]?.path) return undefined;
    const here = field.descending === rest[i]?.descending ? 'forward' : 'reverse';
    if (direction !== undefined && direction !== here) return undefined;
    direction = here;
  }
  return direction ?? 'forward';
}
