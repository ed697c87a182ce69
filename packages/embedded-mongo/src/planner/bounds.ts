import { afterPrefix, encodeComponent, kindBounds } from '../indexes/key.ts';
import type { FieldConditions } from './conditions.ts';

/** What an index has to hold for a field to equal one of its points; undefined if there are none. */
export function components(
  conditions: FieldConditions | undefined,
  descending: boolean,
): string[] | undefined {
  const points = conditions?.points;
  if (!points) return undefined;
  if (points.length === 1) return [encodeComponent(points[0], descending)];
  // Without a function, strings are compared by their code units, which is the order of their bytes.
  return [...new Set(points.map((value) => encodeComponent(value, descending)))].sort();
}

/** The stretch of an index's component that a field's bounds or prefix leave. */
export function rangeOf(
  conditions: FieldConditions,
  descending: boolean,
  multikey: boolean,
): { low: string; high: string } | undefined {
  if (conditions.prefix !== undefined) {
    // A string's encoding ends in 00 00, which a prefix has not.
    const prefix = encodeComponent(conditions.prefix, false).slice(0, -2);
    const low = descending ? invert(prefix) : prefix;
    return { low, high: afterPrefix(low) };
  }
  const { lower } = conditions;
  // In an array two bounds may be met by two elements, so only one of them cuts.
  const upper = multikey && lower ? undefined : conditions.upper;
  const sample = lower ?? upper;
  if (!sample) return undefined;
  let { low, high } = kindBounds(sample.value, descending);
  if (lower) {
    const at = encodeComponent(lower.value, descending);
    if (descending) high = lower.inclusive ? afterPrefix(at) : at;
    else low = lower.inclusive ? at : afterPrefix(at);
  }
  if (upper) {
    const at = encodeComponent(upper.value, descending);
    if (descending) low = upper.inclusive ? at : afterPrefix(at);
    else high = upper.inclusive ? afterPrefix(at) : at;
  }
  return { low, high };
}

function invert(bytes: string): string {
  const buffer = Buffer.from(bytes, 'latin1');
  for (let i = 0; i < buffer.length; i++) buffer[i] = ~(buffer[i] as number) & 0xff;
  return buffer.toString('latin1');
}
