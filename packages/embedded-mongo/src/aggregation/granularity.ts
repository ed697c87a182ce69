import { ServerError } from '../errors.ts';

/** Preferred numbers between 1 and 10, to which `$bucketAuto` rounds its boundaries. */

const R80 = [
  1.0, 1.03, 1.06, 1.09, 1.12, 1.15, 1.18, 1.22, 1.25, 1.28, 1.32, 1.36, 1.4, 1.45, 1.5, 1.55, 1.6, 1.65, 1.7,
  1.75, 1.8, 1.85, 1.9, 1.95, 2.0, 2.06, 2.12, 2.18, 2.24, 2.3, 2.36, 2.43, 2.5, 2.58, 2.65, 2.72, 2.8, 2.9,
  3.0, 3.07, 3.15, 3.25, 3.35, 3.45, 3.55, 3.65, 3.75, 3.87, 4.0, 4.12, 4.25, 4.37, 4.5, 4.62, 4.75, 4.87,
  5.0, 5.15, 5.3, 5.45, 5.6, 5.8, 6.0, 6.15, 6.3, 6.5, 6.7, 6.9, 7.1, 7.3, 7.5, 7.75, 8.0, 8.25, 8.5, 8.75,
  9.0, 9.25, 9.5, 9.75,
];
const E24 = [
  1.0, 1.1, 1.2, 1.3, 1.5, 1.6, 1.8, 2.0, 2.2, 2.4, 2.7, 3.0, 3.3, 3.6, 3.9, 4.3, 4.7, 5.1, 5.6, 6.2, 6.8,
  7.5, 8.2, 9.1,
];

const every = (series: readonly number[], step: number): number[] => series.filter((_n, i) => i % step === 0);

/** Beyond E24 the series are powers rounded to three digits, but for one number. */
const rounded = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => {
    const value = Math.round(100 * 10 ** (i / count)) / 100;
    return value === 9.19 ? 9.2 : value;
  });

const SERIES: Record<string, readonly number[]> = {
  R5: every(R80, 16),
  R10: every(R80, 8),
  R20: every(R80, 4),
  R40: every(R80, 2),
  R80,
  '1-2-5': [1, 2, 5],
  E6: every(E24, 4),
  E12: every(E24, 2),
  E24,
  E48: rounded(48),
  E96: rounded(96),
  E192: rounded(192),
};

export interface Granularity {
  /** The least preferred number that is greater. */
  up(value: number): number;
  /** The greatest preferred number that is less. */
  down(value: number): number;
}

function powersOf2(): Granularity {
  return {
    up: (value) => (value === 0 ? 0 : 2 ** (Math.floor(Math.log2(value)) + 1)),
    down: (value) => (value === 0 ? 0 : 2 ** (Math.ceil(Math.log2(value)) - 1)),
  };
}

export function granularity(name: unknown): Granularity {
  if (typeof name !== 'string')
    throw new ServerError(40261, "The $bucketAuto 'granularity' field must be a string");
  if (name === 'POWERSOF2') return powersOf2();
  const series = Object.hasOwn(SERIES, name) ? SERIES[name] : undefined;
  if (!series) throw new ServerError(40257, `Unknown rounding granularity '${name}'`);
  // By way of the text, so that 1.6 times a power of ten is as exact as it can be.
  const members = (value: number): number[] => {
    const power = Math.floor(Math.log10(value));
    return [power - 1, power, power + 1].flatMap((p) => series.map((n) => Number(`${n}e${p}`)));
  };
  return {
    up: (value) => (value === 0 ? 0 : (members(value).find((one) => one > value) ?? value)),
    down: (value) => (value === 0 ? 0 : (members(value).findLast((one) => one < value) ?? value)),
  };
}
