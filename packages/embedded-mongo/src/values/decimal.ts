import { Decimal128 } from './types.ts';

/** A finite decimal: `digits` times ten to the power of `exponent`. */
export interface Decimal {
  digits: bigint;
  exponent: number;
}

/** What a Decimal128 holds at most. */
const PRECISION = 34;

/** Undefined for NaN and the infinities. */
export function parseDecimal(text: string): Decimal | undefined {
  const found = /^([+-]?)(\d*)(?:\.(\d*))?(?:E([+-]?\d+))?$/i.exec(text);
  if (!found) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = found;
  const digits = BigInt(whole + fraction || '0');
  return { digits: sign === '-' ? -digits : digits, exponent: Number(exponent) - fraction.length };
}

/** Rounds half to even to the 34 digits that a Decimal128 has. */
export function toDecimal128({ digits, exponent }: Decimal): Decimal128 {
  let rounded = digits < 0n ? -digits : digits;
  let power = exponent;
  const excess = rounded.toString().length - PRECISION;
  if (excess > 0) {
    const unit = 10n ** BigInt(excess);
    const rest = rounded % unit;
    rounded /= unit;
    power += excess;
    if (rest * 2n > unit || (rest * 2n === unit && rounded % 2n === 1n)) rounded++;
  }
  return Decimal128.fromString(`${digits < 0n ? '-' : ''}${rounded}E${power}`);
}

function aligned(a: Decimal, b: Decimal): { x: bigint; y: bigint; exponent: number } {
  const exponent = Math.min(a.exponent, b.exponent);
  return {
    x: a.digits * 10n ** BigInt(a.exponent - exponent),
    y: b.digits * 10n ** BigInt(b.exponent - exponent),
    exponent,
  };
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const { x, y, exponent } = aligned(a, b);
  return { digits: x + y, exponent };
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, exponent: a.exponent + b.exponent };
}

/** To 34 digits, without trailing zeros beyond what the operands have. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  let digits = (a.digits * 10n ** BigInt(PRECISION + b.digits.toString().length)) / b.digits;
  let exponent = a.exponent - b.exponent - PRECISION - b.digits.toString().length;
  while (exponent < 0 && digits !== 0n && digits % 10n === 0n) {
    digits /= 10n;
    exponent++;
  }
  return { digits, exponent: digits === 0n ? 0 : exponent };
}

export function remainderOfDecimals(a: Decimal, b: Decimal): Decimal {
  const { x, y, exponent } = aligned(a, b);
  return { digits: x % y, exponent };
}
