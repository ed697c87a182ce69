import { type Decimal, lengthOf, PRECISION, shiftRight, trimmed } from './decimal.ts';

/** Transcendental functions of decimals, in fixed point: an integer `n` at scale `s` stands for n / 10^s. */

/** Digits beyond those that a result keeps. */
const GUARD = 16;

const pow10 = (n: number): bigint => 10n ** BigInt(n);
const abs = (n: bigint): bigint => (n < 0n ? -n : n);

/** The place of the first digit: 0 for 1 to 9. */
const magnitude = ({ digits, exponent }: Decimal): number => exponent + lengthOf(digits) - 1;

const toFixed = ({ digits, exponent }: Decimal, scale: number): bigint =>
  shiftRight(digits, -(exponent + scale));

/** Only what is exact loses the zeros at its end. */
function fromFixed(value: bigint, scale: number): Decimal {
  const excess = lengthOf(value) - PRECISION;
  if (excess <= 0 || value % pow10(excess) === 0n) return trimmed({ digits: value, exponent: -scale });
  return { digits: shiftRight(value, excess), exponent: excess - scale };
}

/** atanh(1/n) for the logarithms, atan(1/n) for pi. */
function inverseSeries(n: bigint, scale: number, alternating: boolean): bigint {
  let term = pow10(scale) / n;
  let sum = term;
  const square = n * n;
  for (let k = 3n; term !== 0n; k += 2n) {
    term /= square;
    sum += alternating && k % 4n === 3n ? -(term / k) : term / k;
  }
  return sum;
}

const cache = new Map<string, bigint>();

function constant(name: string, scale: number, make: (scale: number) => bigint): bigint {
  const key = `${name} ${scale}`;
  let value = cache.get(key);
  if (value === undefined) {
    value = make(scale + 5) / 100_000n;
    if (cache.size > 100) cache.clear();
    cache.set(key, value);
  }
  return value;
}

const pi = (scale: number): bigint =>
  constant('pi', scale, (s) => 16n * inverseSeries(5n, s, true) - 4n * inverseSeries(239n, s, true));
const ln10 = (scale: number): bigint =>
  constant(
    'ln10',
    scale,
    // ln 10 = 3 ln 2 + ln (5/4)
    (s) => 6n * inverseSeries(3n, s, false) + 2n * inverseSeries(9n, s, false),
  );

function expSmall(x: bigint, scale: number): bigint {
  const one = pow10(scale);
  const part = x >> 8n;
  let term = one;
  let sum = one;
  for (let k = 1n; term !== 0n; k++) {
    term = (term * part) / one / k;
    if (term === -1n) break;
    sum += term;
  }
  for (let i = 0; i < 8; i++) sum = (sum * sum) / one;
  return sum;
}

/** exp of a fixed-point number, as a decimal of more digits than are kept. */
function expFixed(x: bigint, scale: number): Decimal {
  const ten = ln10(scale);
  const power = x / ten;
  return { digits: expSmall(x - power * ten, scale), exponent: Number(power) - scale };
}

/** The natural logarithm of a positive decimal, at a scale. */
function lnFixed(x: Decimal, scale: number): bigint {
  const one = pow10(scale);
  const power = magnitude(x);
  const mantissa = toFixed({ digits: x.digits, exponent: x.exponent - power }, scale);
  let y =
    BigInt(Math.round(Math.log(Number((mantissa * 10n ** 15n) / one) / 1e15) * 1e15)) * pow10(scale - 15);
  // Each step makes three times as many digits right.
  for (let i = 0; i < 2 + Math.ceil(Math.log(scale / 45 + 1) / Math.log(3)); i++) {
    const e = expSmall(y, scale);
    y += (2n * one * (mantissa - e)) / (mantissa + e);
  }
  return y + BigInt(power) * ln10(scale);
}

function sqrtInteger(value: bigint): bigint {
  if (value < 2n) return value;
  let x = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (x + value / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

const sqrtFixed = (value: bigint, scale: number): bigint => sqrtInteger(value * pow10(scale));

function sinCos(x: bigint, scale: number): { sin: bigint; cos: bigint } {
  const one = pow10(scale);
  const half = pi(scale) / 2n;
  const quarter = (x >= 0n ? x + half / 2n : x - half / 2n) / half;
  const rest = x - quarter * half;
  const series = (first: bigint, start: bigint): bigint => {
    let term = first;
    let sum = first;
    for (let k = start; abs(term) > 1n; k += 2n) {
      term = -((((term * rest) / one) * rest) / one / (k * (k + 1n)));
      sum += term;
    }
    return sum;
  };
  const [s, c] = [series(rest, 2n), series(one, 1n)];
  switch (Number(((quarter % 4n) + 4n) % 4n)) {
    case 0:
      return { sin: s, cos: c };
    case 1:
      return { sin: c, cos: -s };
    case 2:
      return { sin: -s, cos: -c };
    default:
      return { sin: -c, cos: s };
  }
}

function atanFixed(x: bigint, scale: number): bigint {
  const one = pow10(scale);
  if (abs(x) > one) return (x > 0n ? 1n : -1n) * (pi(scale) / 2n) - atanFixed((one * one) / x, scale);
  let y = BigInt(Math.round(Math.atan(Number((x * 10n ** 15n) / one) / 1e15) * 1e15)) * pow10(scale - 15);
  for (let i = 0; i < 2 + Math.ceil(Math.log(scale / 45 + 1) / Math.log(3)); i++) {
    const { sin, cos } = sinCos(y, scale);
    // tan(a - b); the arc of something as small is nearly itself.
    const tan = (one * (x * cos - sin * one)) / (one * cos + x * sin);
    y += tan - (((tan * tan) / one) * tan) / one / 3n;
  }
  return y;
}

export type RealFunction =
  | 'sqrt'
  | 'exp'
  | 'ln'
  | 'log10'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'tanh'
  | 'asinh'
  | 'acosh'
  | 'atanh';

/** Functions that are nearly their argument near 0. */
const LINEAR = new Set<RealFunction>(['sin', 'tan', 'asin', 'atan', 'sinh', 'tanh', 'asinh', 'atanh']);

/** Beyond this exp is more, or less, than a Decimal128 can be. */
const EXP_LIMIT = 15_000;

/** A real function of a decimal in its domain, to 34 digits; undefined where the result is too large. */
export function realFunction(name: RealFunction, x: Decimal): Decimal | undefined {
  if (x.digits === 0n && LINEAR.has(name)) return { digits: 0n, exponent: 0 };
  const place = x.digits === 0n ? 0 : magnitude(x);
  if (place < -PRECISION - 2 && LINEAR.has(name)) return x;
  const scale = PRECISION + GUARD + 2 * Math.abs(place < -PRECISION - 2 ? 0 : place);
  const one = pow10(scale);
  const fixed = (): bigint => toFixed(x, scale);
  const give = (value: bigint): Decimal => fromFixed(value, scale);
  const tooLarge = place > 4;
  switch (name) {
    case 'sqrt': {
      const odd = x.exponent % 2 !== 0;
      const digits = (odd ? x.digits * 10n : x.digits) * pow10(2 * PRECISION);
      const exponent = (odd ? x.exponent - 1 : x.exponent) / 2 - PRECISION;
      const root = sqrtInteger(digits);
      // One more digit tells what is exact from what is nearly so, for the rounding.
      return root * root === digits
        ? trimmed({ digits: root, exponent })
        : { digits: root * 10n + 1n, exponent: exponent - 1 };
    }
    case 'exp':
      if (tooLarge || abs(fixed()) > BigInt(EXP_LIMIT) * one)
        return x.digits > 0n ? undefined : { digits: 0n, exponent: 0 };
      return trimmed(expFixed(fixed(), scale));
    case 'ln':
      return give(lnFixed(x, scale));
    case 'log10': {
      const digits = x.digits.toString();
      if (/^10*$/.test(digits)) return { digits: BigInt(place), exponent: 0 };
      return give((lnFixed(x, scale) * one) / ln10(scale));
    }
    case 'sin':
      return give(sinCos(fixed(), scale).sin);
    case 'cos':
      return give(sinCos(fixed(), scale).cos);
    case 'tan': {
      const { sin, cos } = sinCos(fixed(), scale);
      return give((sin * one) / cos);
    }
    case 'asin': {
      const v = fixed();
      if (abs(v) === one) return give(v > 0n ? pi(scale) / 2n : -pi(scale) / 2n);
      return give(atanFixed((v * one) / sqrtFixed(one - (v * v) / one, scale), scale));
    }
    case 'acos': {
      const v = fixed();
      if (v === one) return { digits: 0n, exponent: 0 };
      if (v === -one) return give(pi(scale));
      return give(pi(scale) / 2n - atanFixed((v * one) / sqrtFixed(one - (v * v) / one, scale), scale));
    }
    case 'atan':
      return give(atanFixed(fixed(), scale));
    case 'sinh':
    case 'cosh':
    case 'tanh': {
      if (tooLarge || abs(fixed()) > BigInt(EXP_LIMIT) * one)
        return name === 'tanh' ? { digits: x.digits > 0n ? 1n : -1n, exponent: 0 } : undefined;
      const up = expFixed(fixed(), scale);
      const down = expFixed(-fixed(), scale);
      const exponent = Math.min(up.exponent, down.exponent);
      const [a, b] = [up, down].map((e) => e.digits * pow10(e.exponent - exponent)) as [bigint, bigint];
      if (name === 'tanh') return give(((a - b) * one) / (a + b));
      const sum = (name === 'sinh' ? a - b : a + b) * 5n;
      return fromFixed(sum, 1 - exponent);
    }
    case 'asinh': {
      const v = abs(fixed());
      const y = lnFixed({ digits: v + sqrtFixed((v * v) / one + one, scale), exponent: -scale }, scale);
      return give(x.digits < 0n ? -y : y);
    }
    case 'acosh': {
      const v = fixed();
      return give(lnFixed({ digits: v + sqrtFixed((v * v) / one - one, scale), exponent: -scale }, scale));
    }
    case 'atanh': {
      const v = fixed();
      return give(lnFixed({ digits: ((one + v) * one) / (one - v), exponent: -scale }, scale) / 2n);
    }
    default:
      return undefined;
  }
}

/** The angle of a point, as `Math.atan2` gives it. */
export function decimalAtan2(y: Decimal, x: Decimal): Decimal {
  const scale = PRECISION + GUARD + 40;
  const [a, b] = [toFixed(y, scale), toFixed(x, scale)];
  const full = pi(scale);
  if (b === 0n) return fromFixed(a === 0n ? 0n : a > 0n ? full / 2n : -full / 2n, scale);
  const angle = atanFixed((a * pow10(scale)) / b, scale);
  if (b > 0n) return fromFixed(angle, scale);
  return fromFixed(a < 0n ? angle - full : angle + full, scale);
}

/** pi / 180 times the value, or the other way round. */
export function scaleAngle(x: Decimal, toRadians: boolean): Decimal {
  const scale = 2 * PRECISION + GUARD;
  const [numerator, denominator] = toRadians
    ? [pi(scale), 180n * pow10(scale)]
    : [180n * pow10(scale), pi(scale)];
  return trimmed({
    digits: (x.digits * numerator * pow10(scale)) / denominator,
    exponent: x.exponent - scale,
  });
}

/** The base to the power of the exponent; undefined where the result is too large or not real. */
export function decimalPower(base: Decimal, exponent: Decimal): Decimal | undefined {
  const whole = exponent.exponent >= 0 || exponent.digits % pow10(-exponent.exponent) === 0n;
  if (base.digits === 0n) return { digits: exponent.digits === 0n ? 1n : 0n, exponent: 0 };
  if (whole) {
    const power = shiftRight(exponent.digits, -exponent.exponent, 'truncate');
    const size = Number(abs(power));
    if (size <= 1000) {
      const digits = base.digits ** BigInt(size);
      const result = { digits, exponent: base.exponent * size };
      if (power >= 0n) return result;
      const scale = lengthOf(digits) + PRECISION + 2;
      return trimmed({ digits: pow10(scale) / digits, exponent: -result.exponent - scale });
    }
  }
  if (base.digits < 0n && !whole) return undefined;
  const positive = { digits: abs(base.digits), exponent: base.exponent };
  const scale = PRECISION + GUARD + 30;
  const product = (lnFixed(positive, scale) * exponent.digits) / pow10(Math.max(0, -exponent.exponent));
  const power = product * pow10(Math.max(0, exponent.exponent));
  if (abs(power) > BigInt(EXP_LIMIT) * pow10(scale))
    return power > 0n ? undefined : { digits: 0n, exponent: 0 };
  const size = trimmed(expFixed(power, scale));
  const odd = whole && shiftRight(exponent.digits, -exponent.exponent, 'truncate') % 2n !== 0n;
  return base.digits < 0n && odd ? { digits: -size.digits, exponent: size.exponent } : size;
}
