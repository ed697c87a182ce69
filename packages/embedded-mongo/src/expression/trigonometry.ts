import { ServerError } from '../errors.ts';
import { toDecimal128 } from '../values/decimal.ts';
import { decimalAtan2, type RealFunction, scaleAngle } from '../values/decimal-functions.ts';
import { compareNumeric, exactValue } from '../values/numbers.ts';
import { Decimal128, Double, isNumeric, numericValue, TYPE, typeOf } from '../values/types.ts';
import { type Builders, binary, describeType, isMissing, unary } from './arguments.ts';
import { demandNumber, realValue } from './arithmetic.ts';

interface Domain {
  low: number;
  high: number;
}

const ANY: Domain = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
/** All but the infinities. */
const FINITE: Domain = { low: -Number.MAX_VALUE, high: Number.MAX_VALUE };
const UNIT: Domain = { low: -1, high: 1 };

function isInfinite(value: unknown): boolean {
  return Math.abs(Number(numericValue(value))) === Number.POSITIVE_INFINITY && !exactValue(value);
}

function inDomain(value: unknown, domain: Domain): boolean {
  if (Number.isNaN(Number(numericValue(value))) || domain === ANY) return true;
  if (domain === FINITE) return !isInfinite(value);
  return compareNumeric(value, domain.low) >= 0 && compareNumeric(value, domain.high) <= 0;
}

function angle(name: RealFunction, apply: (x: number) => number, domain: Domain): Builders {
  return unary(`$${name}`, (value) => {
    if (isMissing(value)) return null;
    demandNumber(`$${name}`, value);
    if (!inDomain(value, domain))
      throw new ServerError(
        50989,
        `cannot apply $${name} to ${String(value)}, value must be in [${domain.low},${domain.high}]`,
      );
    // The ends of $atanh's domain are poles.
    if (name === 'atanh' && typeOf(value) === TYPE.decimal && Math.abs(Number(numericValue(value))) === 1) {
      const sign = compareNumeric(value, 0);
      if (compareNumeric(value, sign) === 0)
        return Decimal128.fromString(sign > 0 ? 'Infinity' : '-Infinity');
    }
    return realValue(name, value, apply);
  });
}

function atan2(y: unknown, x: unknown): unknown {
  if (isMissing(y) || isMissing(x)) return null;
  if (!isNumeric(y))
    throw new ServerError(51044, `$atan2 only supports numeric types, not ${describeType(y)}`);
  if (!isNumeric(x))
    throw new ServerError(51045, `$atan2 only supports numeric types, not ${describeType(x)}`);
  const double = Math.atan2(Number(numericValue(y)), Number(numericValue(x)));
  if (typeOf(y) !== TYPE.decimal && typeOf(x) !== TYPE.decimal) return new Double(double);
  const [a, b] = [exactValue(y), exactValue(x)];
  return a && b ? toDecimal128(decimalAtan2(a, b)) : Decimal128.fromString(String(double));
}

function conversion(name: string, toRadians: boolean): Builders {
  return unary(name, (value) => {
    if (isMissing(value)) return null;
    demandNumber(name, value);
    const x = Number(numericValue(value));
    const double = toRadians ? x * (Math.PI / 180) : x * (180 / Math.PI);
    if (typeOf(value) !== TYPE.decimal) return new Double(double);
    const exact = exactValue(value);
    return exact ? toDecimal128(scaleAngle(exact, toRadians)) : Decimal128.fromString(String(double));
  });
}

export const TRIGONOMETRY: Builders = {
  ...angle('sin', Math.sin, FINITE),
  ...angle('cos', Math.cos, FINITE),
  ...angle('tan', Math.tan, FINITE),
  ...angle('asin', Math.asin, UNIT),
  ...angle('acos', Math.acos, UNIT),
  ...angle('atan', Math.atan, ANY),
  ...angle('sinh', Math.sinh, ANY),
  ...angle('cosh', Math.cosh, ANY),
  ...angle('tanh', Math.tanh, ANY),
  ...angle('asinh', Math.asinh, ANY),
  ...angle('acosh', Math.acosh, { low: 1, high: Number.POSITIVE_INFINITY }),
  ...angle('atanh', Math.atanh, UNIT),
  ...binary('$atan2', atan2),
  ...conversion('$degreesToRadians', true),
  ...conversion('$radiansToDegrees', false),
};
