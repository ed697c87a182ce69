import { ServerError } from '../errors.ts';
import { int } from '../values/arithmetic.ts';
import { compareStrings } from '../values/compare.ts';
import { isNumeric, TYPE, toNumber, typeOf } from '../values/types.ts';
import {
  type Builders,
  binary,
  describeType,
  isMissing,
  named,
  operator,
  unary,
  variadic,
} from './arguments.ts';
import { toText } from './conversions.ts';

/** What the case and substring operators make of any value: null is empty, numbers and dates are written out. */
function coerced(name: string, value: unknown): string {
  if (isMissing(value)) return '';
  const type = typeOf(value);
  if (typeof value === 'string') return value;
  if (isNumeric(value) || type === TYPE.date || type === TYPE.symbol || type === TYPE.timestamp)
    return toText(value) ?? '';
  throw new ServerError(16007, `can't convert from BSON type ${describeType(value)} to String (${name})`);
}

/** ASCII letters only, as MongoDB documents. */
const upper = (text: string): string => text.replace(/[a-z]+/g, (found) => found.toUpperCase());
const lower = (text: string): string => text.replace(/[A-Z]+/g, (found) => found.toLowerCase());

function concat(values: unknown[]): unknown {
  let result = '';
  for (const value of values) {
    if (isMissing(value)) return null;
    if (typeof value !== 'string')
      throw new ServerError(16702, `$concat only supports strings, not ${describeType(value)}`);
    result += value;
  }
  return result;
}

function lengthOf(name: string, code: number, measure: (text: string) => number): Builders {
  return unary(name, (value) => {
    if (typeof value !== 'string')
      throw new ServerError(code, `${name} requires a string argument, found: ${describeType(value)}`);
    return int(measure(value));
  });
}

function split(text: unknown, separator: unknown): unknown {
  if (isMissing(text) || isMissing(separator)) return null;
  if (typeof text !== 'string')
    throw new ServerError(
      40085,
      `$split requires an expression that evaluates to a string as a first argument, found: ${describeType(text)}`,
    );
  if (typeof separator !== 'string')
    throw new ServerError(
      40086,
      `$split requires an expression that evaluates to a string as a second argument, found: ${describeType(separator)}`,
    );
  if (separator === '') throw new ServerError(40087, '$split requires a non-empty separator');
  return text.split(separator);
}

function substringByPoints([value, from, count]: unknown[]): unknown {
  const text = [...coerced('$substrCP', value)];
  const start = toNumber(from);
  const length = toNumber(count);
  if (start === undefined)
    throw new ServerError(
      34450,
      `$substrCP: starting index must be a numeric type (is BSON type ${describeType(from)})`,
    );
  if (length === undefined)
    throw new ServerError(
      34452,
      `$substrCP: length must be a numeric type (is BSON type ${describeType(count)})`,
    );
  if (!Number.isInteger(start))
    throw new ServerError(
      34451,
      '$substrCP: starting index cannot be represented as a 32-bit integral value',
    );
  if (!Number.isInteger(length))
    throw new ServerError(34453, '$substrCP: length cannot be represented as a 32-bit integral value');
  if (start < 0) throw new ServerError(34455, '$substrCP: the starting index must be nonnegative integer.');
  if (length < 0) throw new ServerError(34454, '$substrCP: length must be a nonnegative integer.');
  return text.slice(start, start + length).join('');
}

function substringByBytes([value, from, count]: unknown[]): unknown {
  const bytes = Buffer.from(coerced('$substrBytes', value));
  const start = toNumber(from);
  const length = toNumber(count);
  if (start === undefined)
    throw new ServerError(
      16034,
      `$substrBytes: starting index must be a numeric type (is BSON type ${describeType(from)})`,
    );
  if (length === undefined)
    throw new ServerError(
      16035,
      `$substrBytes: length must be a numeric type (is BSON type ${describeType(count)})`,
    );
  if (start < 0)
    throw new ServerError(50752, `$substrBytes: starting index must be non-negative (got: ${start})`);
  const end = length < 0 ? bytes.length : Math.min(bytes.length, start + length);
  const continues = (at: number): boolean => ((bytes[at] ?? 0) & 0xc0) === 0x80;
  if (continues(start))
    throw new ServerError(28656, '$substrBytes: Invalid range, starting index is a UTF-8 continuation byte.');
  if (continues(end))
    throw new ServerError(
      28657,
      '$substrBytes: Invalid range, ending index is in the middle of a UTF-8 character.',
    );
  return bytes.toString('utf8', start, Math.max(start, end));
}

function indexOf(name: '$indexOfCP' | '$indexOfBytes'): Builders {
  return operator(name, 2, 4, ([text, wanted, from, to]) => {
    if (isMissing(text)) return null;
    if (typeof text !== 'string')
      throw new ServerError(
        name === '$indexOfCP' ? 40093 : 40091,
        `${name} requires a string as the first argument, found: ${describeType(text)}`,
      );
    if (typeof wanted !== 'string')
      throw new ServerError(
        name === '$indexOfCP' ? 40094 : 40092,
        `${name} requires a string as the second argument, found: ${describeType(wanted)}`,
      );
    const [start = 0, end = Number.POSITIVE_INFINITY] = [from, to].map((value) => {
      if (value === undefined) return undefined;
      const index = toNumber(value);
      if (index === undefined || !Number.isInteger(index))
        throw new ServerError(40096, `${name} requires an integral index, found: ${describeType(value)}`);
      if (index < 0) throw new ServerError(40097, `${name} requires a nonnegative index, found: ${index}`);
      return index;
    });
    const measure = (prefix: string): number =>
      name === '$indexOfCP' ? [...prefix].length : Buffer.byteLength(prefix);
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
      const index = measure(text.slice(0, at));
      if (index >= start && index + measure(wanted) <= end) return int(index);
      if (at >= text.length) break;
    }
    return int(-1);
  });
}

/** What the manual lists under $trim; less than JavaScript takes for white. */
const WHITESPACE = /[\0\t-\r \u00a0\u1680\u2000-\u200a]/;

function trim(name: '$trim' | '$ltrim' | '$rtrim'): Builders {
  return named(
    name,
    { notObject: 50696, unknown: 50694, missing: 50695 },
    ['input'],
    ['chars'],
    (fields, compiler) => {
      const input = compiler.compile(fields.input);
      const chars = fields.chars === undefined ? undefined : compiler.compile(fields.chars);
      return (scope) => {
        const text = input(scope);
        if (isMissing(text)) return null;
        if (typeof text !== 'string')
          throw new ServerError(
            50699,
            `${name} requires its input to be a string, got ${describeType(text)} instead.`,
          );
        const given = chars?.(scope);
        if (chars && isMissing(given)) return null;
        if (chars && typeof given !== 'string')
          throw new ServerError(
            50700,
            `${name} requires 'chars' to be a string, got ${describeType(given)} instead.`,
          );
        const removed = typeof given === 'string' ? new Set(given) : undefined;
        const goes = (point: string): boolean => (removed ? removed.has(point) : WHITESPACE.test(point));
        const points = [...text];
        let start = 0;
        let end = points.length;
        if (name !== '$rtrim') while (start < end && goes(points[start] as string)) start++;
        if (name !== '$ltrim') while (end > start && goes(points[end - 1] as string)) end--;
        return points.slice(start, end).join('');
      };
    },
  );
}

function replace(name: '$replaceOne' | '$replaceAll'): Builders {
  return named(
    name,
    { notObject: 51751, unknown: 51750, missing: { input: 51749, find: 51748, replacement: 51747 } },
    ['input', 'find', 'replacement'],
    [],
    (fields, compiler) => {
      const parts = ['input', 'find', 'replacement'].map((key) => compiler.compile(fields[key]));
      return (scope) => {
        const values = parts.map((part) => part(scope));
        const bad = values.findIndex((value) => !isMissing(value) && typeof value !== 'string');
        if (bad >= 0)
          throw new ServerError(
            51746 - bad,
            `${name} requires that '${['input', 'find', 'replacement'][bad]}' be a string`,
          );
        if (values.some(isMissing)) return null;
        const [text, wanted, by] = values as [string, string, string];
        if (name === '$replaceOne') return text.replace(wanted, () => by);
        // What is empty is found before every character, and at the end.
        return wanted === ''
          ? [...text, ''].map((point) => by + point).join('')
          : text.split(wanted).join(by);
      };
    },
  );
}

export const STRINGS: Builders = {
  ...variadic('$concat', concat),
  ...unary('$toUpper', (value) => upper(coerced('$toUpper', value))),
  ...unary('$toLower', (value) => lower(coerced('$toLower', value))),
  ...lengthOf('$strLenCP', 34471, (text) => [...text].length),
  ...lengthOf('$strLenBytes', 34473, (text) => Buffer.byteLength(text)),
  ...binary('$split', split),
  ...binary('$strcasecmp', (a, b) =>
    int(compareStrings(upper(coerced('$strcasecmp', a)), upper(coerced('$strcasecmp', b)))),
  ),
  ...operator('$substrCP', 3, 3, substringByPoints),
  ...operator('$substrBytes', 3, 3, substringByBytes),
  ...operator('$substr', 3, 3, substringByBytes),
  ...indexOf('$indexOfCP'),
  ...indexOf('$indexOfBytes'),
  ...trim('$trim'),
  ...trim('$ltrim'),
  ...trim('$rtrim'),
  ...replace('$replaceOne'),
  ...replace('$replaceAll'),
};
