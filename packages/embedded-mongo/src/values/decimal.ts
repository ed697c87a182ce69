import { Decimal128 } from './types.ts';

/** A finite decimal: `digits` times ten to the power of `exponent`. */
export interface Decimal {
  digits: bigint;
  exponent: number;
}

/** What a Decimal128 holds at most. */
export const PRECISION = 34;
const MAX_EXPONENT = 6111;
const MIN_EXPONENT = -6176;

/** Undefined for NaN and the infinities. */
export function parseDecimal(text: string): Decimal | undefined {
  const found = /^([+-]?)(\d*)(?:\.(\d*))?(?:E([+-]?\d+))?$/i.exec(text);
  if (!found) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = found;
  const digits = BigInt(whole + fraction || '0');
  return { digits: sign === '-' ? -digits : digits, exponent: Number(exponent) - fraction.length };
}

export type Rounding = 'halfEven' | 'truncate' | 'floor' | 'ceil';

/** Divides by a power of ten, as the rounding says. */
export function shiftRight(digits: bigint, places: number, rounding: Rounding = 'halfEven'): bigint {
  if (places <= 0) return digits * 10n ** BigInt(-places);
  const unit = 10n ** BigInt(places);
  const whole = digits / unit;
  const rest = digits % unit;
  if (rest === 0n || rounding === 'truncate') return whole;
  const negative = digits < 0n;
  if (rounding === 'floor') return negative ? whole - 1n : whole;
  if (rounding === 'ceil') return negative ? whole : whole + 1n;
  const twice = (negative ? -rest : rest) * 2n;
  const away = twice > unit || (twice === unit && whole % 2n !== 0n);
  return away ? whole + (negative ? -1n : 1n) : whole;
}

export function lengthOf(digits: bigint): number {
  return (digits < 0n ? -digits : digits).toString().length;
}

/** Rounds half to even to the 34 digits that a Decimal128 has; what is too large is infinite, what is too small 0. */
export function toDecimal128(decimal: Decimal): Decimal128 {
  let { digits, exponent } = decimal;
  const excess = Math.max(lengthOf(digits) - PRECISION, MIN_EXPONENT - exponent);
  if (excess > 0) {
    digits = shiftRight(digits, excess);
    exponent += excess;
    // Rounding up 999... makes one digit more, which is a zero.
    if (lengthOf(digits) > PRECISION) {
      digits /= 10n;
      exponent++;
    }
  }
  if (exponent > MAX_EXPONENT) {
    const missing = exponent - MAX_EXPONENT;
    if (digits !== 0n && lengthOf(digits) + missing > PRECISION)
      return Decimal128.fromString(digits < 0n ? '-Infinity' : 'Infinity');
    digits *= 10n ** BigInt(digits === 0n ? 0 : missing);
    exponent = MAX_EXPONENT;
  }
  return Decimal128.fromString(`${digits}E${exponent}`);
}

function aligned(a: Decimal, b: Decimal): { x: bigint; y: bigint; exponent: number } {
  const exponent = Math.min(a.exponent, b.exponent);
  return {
    x: a.digits * 10n ** BigInt(a.exponent - exponent),
    y: b.digits * 10n ** BigInt(b.exponent - exponent),
    exponent,
  };
}

export function compareDecimals(a: Decimal, b: Decimal): number {
  const { x, y } = aligned(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const { x, y, exponent } = aligned(a, b);
  return { digits: x + y, exponent };
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, exponent: a.exponent + b.exponent };
}

/** Takes zeros at the end away, but not beyond the units. */
export function trimmed({ digits, exponent }: Decimal): Decimal {
  let [kept, power] = [digits, exponent];
  while (power < 0 && kept !== 0n && kept % 10n === 0n) {
    kept /= 10n;
    power++;
  }
  return { digits: kept, exponent: kept === 0n ? 0 : power };
}

/** To more digits than a Decimal128 has, without trailing zeros beyond what the operands have. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = PRECISION + lengthOf(b.digits) + 2;
  return trimmed({
    digits: (a.digits * 10n ** BigInt(scale)) / b.digits,
    exponent: a.exponent - b.exponent - scale,
  });
}

export function remainderOfDecimals(a: Decimal, b: Decimal): Decimal {
  const { x, y, exponent } = aligned(a, b);
  return { digits: x % y, exponent };
}

/** Rounds to a multiple of ten to the power of `-places`; a Decimal128 has only so many digits to show it with. */
export function quantize(decimal: Decimal, places: number, rounding: Rounding): Decimal {
  const wanted = -places;
  if (decimal.exponent < wanted)
    return { digits: shiftRight(decimal.digits, wanted - decimal.exponent, rounding), exponent: wanted };
  const room = PRECISION - lengthOf(decimal.digits);
  const added = Math.min(decimal.exponent - wanted, room);
  return added > 0
    ? { digits: decimal.digits * 10n ** BigInt(added), exponent: decimal.exponent - added }
    : decimal;
}

const scratch = new DataView(new ArrayBuffer(8));

/** The exact value of a finite double. */
export function decimalOfDouble(value: number): Decimal {
  if (Number.isInteger(value)) return { digits: BigInt(value), exponent: 0 };
  scratch.setFloat64(0, value);
  const bits = scratch.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
  const power = (biased === 0 ? 1 : biased) - 1075;
  const sign = value < 0 ? -1n : 1n;
  // m / 2^n is m * 5^n / 10^n; a power that is not negative belongs to a whole number, dealt with above.
  return { digits: sign * mantissa * 5n ** BigInt(-power), exponent: power };
}
