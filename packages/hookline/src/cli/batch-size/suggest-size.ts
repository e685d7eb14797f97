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
