import type { TimedSize } from './time-steps.ts';

/** A batch size counts as best if it reaches this share of the highest throughput. */
const LEVEL = 0.95;

export const samplesPerSecond = ({ batchSize, secondsPerStep }: TimedSize): number => batchSize / secondsPerStep;

/** The smallest size that reaches 95 % of the highest samples per second. From there on the throughput levels off. */
export function suggestSize(timed: readonly TimedSize[]): TimedSize | undefined {
  const best = Math.max(...timed.map(samplesPerSecond));
  return timed.find((size) => samplesPerSecond(size) >= LEVEL * best);
}

/**
 * Describes how the samples per second go on from the suggested size.
 *
 * @param found.largest the largest size that was timed
 * @param found.isLimited whether no larger size can be tried, because it does not fit or fails
 */
export function describeThroughput(found: {
  readonly size: number;
  readonly largest: number | undefined;
  readonly isLimited: boolean;
}): string {
  const { size, largest, isLimited } = found;
  if (size !== largest) return 'from there on the samples per second level off';
  const where = `the samples per second still rise at the largest size that ${isLimited ? 'fits' : 'was tried'}`;
  return isLimited ? where : `${where}: try --max ${2 * size}`;
}

/**
 * The learning rate for another batch size by the linear scaling rule of Goyal et al. (Accurate, Large Minibatch SGD, 2017): if a batch is k times as
 * large, so is the rate. The rule is meant for SGD with momentum and a warm-up; adaptive optimizers often need the square root of k instead.
 */
export const scaledRate = (rate: number, from: number, to: number): number => (rate * to) / from;

/** Memory that the next size will need, extrapolated from the last doubling; undefined before the first doubling. */
export function nextMemory(timed: readonly TimedSize[]): number | undefined {
  const [before, last] = timed.slice(-2);
  return before === undefined || last === undefined
    ? undefined
    : last.memory + 2 * Math.max(0, last.memory - before.memory);
}
