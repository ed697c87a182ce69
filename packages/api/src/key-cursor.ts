import { KaanaError, type KeyPosition, type KeySort } from '@kaana/core';

/** A position in an ordered list, as an opaque text. */
export const cursorOf = ({ value, id }: KeyPosition): string =>
  Buffer.from(JSON.stringify([value, id])).toString('base64url');

const parsed = (cursor: string): unknown => {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return null;
  }
};

/** Errors: `invalid_input` for what is no cursor of a list in this order. */
export const positionOf = (cursor: string | undefined, sort: KeySort): KeyPosition | undefined => {
  if (cursor === undefined) return undefined;
  const pair = parsed(cursor);
  if (Array.isArray(pair) && pair.length === 2) {
    const [value, id] = pair as unknown[];
    const fits =
      sort === 'name' || sort === 'created' ? typeof value === 'string' : Number.isSafeInteger(value);
    if (fits && typeof id === 'string') return { value: value as string | number, id };
  }
  throw new KaanaError('invalid_input', 'cursor is not one that this list gave, in this order.', {
    errors: [{ path: 'cursor', message: 'must be the nextCursor of the same list' }],
  });
};
