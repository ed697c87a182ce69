import { ServerError } from '../errors.ts';
import { int } from '../values/arithmetic.ts';
import { encodedSize } from '../values/codec.ts';
import {
  Binary,
  binaryBytes,
  Int32,
  isDoc,
  isNumeric,
  Long,
  numericValue,
  Timestamp,
  TYPE,
  toNumber,
  typeOf,
} from '../values/types.ts';
import { type Builders, describeType, isMissing, unary } from './arguments.ts';

const FORMATS = ['base64', 'base64url', 'utf8', 'hex', 'uuid', 'auto'];

export function checkDataFormat(value: unknown): string | undefined {
  if (isMissing(value)) return undefined;
  if (typeof value !== 'string')
    throw new ServerError(
      4341114,
      `$convert requires that 'format' be a string, found: ${describeType(value)}`,
    );
  if (!FORMATS.includes(value))
    throw new ServerError(4341125, `Invalid 'format' argument for $convert: ${value}`);
  return value;
}

function failure(why: string): ServerError {
  return new ServerError(
    'ConversionFailure',
    `Failed to parse value in $convert with no onError value: ${why}`,
  );
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Binary data of a text or a number. */
export function toBinary(value: unknown, format: string | undefined, subtype: number): Binary {
  if (value instanceof Binary || typeOf(value) === TYPE.binData) {
    const own = value instanceof Binary ? value.sub_type : 0;
    if (own !== subtype) throw failure('Conversions between different binData subtypes are not supported');
    return value instanceof Binary ? value : new Binary(binaryBytes(value));
  }
  if (isNumeric(value) && typeOf(value) !== TYPE.decimal) {
    const bytes = Buffer.alloc(typeOf(value) === TYPE.int ? 4 : 8);
    if (value instanceof Int32) bytes.writeInt32LE(value.value);
    else if (Long.isLong(value)) bytes.writeBigInt64LE(BigInt(numericValue(value)));
    else bytes.writeDoubleLE(Number(numericValue(value)));
    return new Binary(bytes, subtype);
  }
  if (typeof value !== 'string')
    throw failure(`Unsupported conversion from ${describeType(value)} to binData`);
  if (format === undefined)
    throw new ServerError(4341115, "Format must be speficied when converting from 'string' to 'binData'.");
  const [invalid, bytes]: [boolean, () => Buffer] =
    format === 'uuid'
      ? [!UUID.test(value) || subtype !== 4, () => Buffer.from(value.replaceAll('-', ''), 'hex')]
      : format === 'hex'
        ? [!/^(?:[0-9a-f]{2})*$/i.test(value), () => Buffer.from(value, 'hex')]
        : format === 'base64'
          ? [
              !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value),
              () => Buffer.from(value, 'base64'),
            ]
          : format === 'base64url'
            ? [!/^[A-Za-z0-9_-]*={0,2}$/.test(value), () => Buffer.from(value, 'base64url')]
            : [format !== 'utf8', () => Buffer.from(value, 'utf8')];
  if (invalid) throw failure(`Input string is not a valid ${format} binary data value`);
  return new Binary(bytes(), subtype);
}

/** The text of binary data. */
export function binaryText(value: unknown, format: string | undefined): string {
  const bytes = Buffer.from(binaryBytes(value));
  const subtype = value instanceof Binary ? value.sub_type : 0;
  if (format === undefined)
    throw new ServerError(4341115, "Format must be speficied when converting from 'binData' to 'string'.");
  const kind = format === 'auto' ? (subtype === 4 ? 'uuid' : 'base64') : format;
  if (kind === 'uuid') {
    if (subtype !== 4 || bytes.length !== 16) throw failure('the value is not a UUID');
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }
  if (kind === 'utf8') {
    const text = bytes.toString('utf8');
    if (!Buffer.from(text, 'utf8').equals(bytes))
      throw failure('BinData does not represent a valid UTF-8 string');
    return text;
  }
  const text = bytes.toString(kind as 'base64' | 'base64url' | 'hex');
  return kind === 'hex' ? text.toUpperCase() : text;
}

/** The subtype that `to: {type: 'binData', subtype}` asks for. */
export function subtypeOf(value: unknown): number {
  if (value === undefined) return 0;
  const subtype = toNumber(value);
  if (subtype === undefined)
    throw new ServerError(
      4341108,
      `$convert requires that 'subtype' be numeric, found: ${describeType(value)}`,
    );
  if (!Number.isInteger(subtype))
    throw new ServerError(4341106, "In $convert, numeric 'subtype' argument is not an integer");
  if (subtype < 0 || subtype > 255)
    throw new ServerError(
      4341107,
      `In $convert, numeric value for 'subtype' does not correspond to a BinData type: ${subtype}`,
    );
  return subtype;
}

function ofTimestamp(name: string, code: number, pick: (value: Timestamp) => number): Builders {
  return unary(name, (value) => {
    if (isMissing(value)) return null;
    if (!(value instanceof Timestamp))
      throw new ServerError(code, `Argument to ${name} must be a timestamp, but is ${describeType(value)}`);
    return Long.fromNumber(pick(value));
  });
}

export const BINARY_DATA: Builders = {
  ...unary('$binarySize', (value) => {
    if (isMissing(value)) return null;
    if (typeof value === 'string') return int(Buffer.byteLength(value));
    if (typeOf(value) === TYPE.binData) return int(binaryBytes(value).length);
    throw new ServerError(
      51276,
      `$binarySize requires a string or BinData argument, found: ${describeType(value)}`,
    );
  }),
  ...unary('$bsonSize', (value) => {
    if (isMissing(value)) return null;
    if (!isDoc(value))
      throw new ServerError(31393, `$bsonSize requires a document input, found: ${describeType(value)}`);
    return int(encodedSize(value));
  }),
  ...ofTimestamp('$tsSecond', 5687301, (value) => value.getHighBitsUnsigned()),
  ...ofTimestamp('$tsIncrement', 5687302, (value) => value.getLowBitsUnsigned()),
};
