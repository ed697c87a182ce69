import type { Sample } from './sample.ts';

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};

/** Every pair of samples of two cases that were taken in the same round. */
export const pairs = (samples: readonly Sample[], name: string, other: string): [Sample, Sample][] =>
  samples
    .filter((sample) => sample.name === name)
    .flatMap((sample) => {
      const partner = samples.find(({ name, round }) => name === other && round === sample.round);
      return partner ? [[sample, partner] as [Sample, Sample]] : [];
    });

/** The median, over the rounds, of a comparison within each; `null` where the two never met. */
export const compare = (
  samples: readonly Sample[],
  name: string,
  other: string,
  comparison: (one: Sample, other: Sample) => number,
): number | null => {
  const values = pairs(samples, name, other).map(([one, partner]) => comparison(one, partner));
  return values.length === 0 ? null : median(values);
};

export const throughputRatio = (one: Sample, other: Sample): number => one.perSecond / other.perSecond;
export const latencyRatio = (one: Sample, other: Sample): number => one.p99 / other.p99;
export const cpuRatio = (one: Sample, other: Sample): number => one.serverCpu / other.serverCpu;
export const cpuDifference = (one: Sample, other: Sample): number => one.serverCpu - other.serverCpu;
