import type { TimedSize } from './time-steps.ts';

/** A larger batch is worth it as long as it gives more than so much of the best throughput. */
const LEVEL = 0.95;

export const samplesPerSecond = ({ batchSize, secondsPerStep }: TimedSize): number => batchSize / secondsPerStep;

/** The smallest size whose samples per second come to 95 % of the most that any size gives: from there on the throughput levels off. */
export function suggestSize(timed: readonly TimedSize[]): TimedSize | undefined {
  const best = Math.max(...timed.map(samplesPerSecond));
  return timed.find((size) => samplesPerSecond(size) >= LEVEL * best);
}

/**
 * The learning rate of another batch size by the linear scaling rule of Goyal et al. (Accurate, Large Minibatch SGD, 2017): when a batch is k times as
 * large, so is the rate. It is meant for plain descent with momentum and a warm-up; adaptive optimizers often want the square root of k.
 */
export const scaledRate = (rate: number, from: number, to: number): number => (rate * to) / from;

/** How much memory the next size will take, by what the last doubling has added; undefined before there is any. */
export function nextMemory(timed: readonly TimedSize[]): number | undefined {
  const [before, last] = timed.slice(-2);
  return before === undefined || last === undefined
    ? undefined
    : last.memory + 2 * Math.max(0, last.memory - before.memory);
}
