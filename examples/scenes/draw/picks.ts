import type { RandomStream } from 'hookline';

/** A random number, uniform between `low` and `high`. */
export const between = (random: RandomStream, low: number, high: number): number => low + (high - low) * random.float();

/** A random number between `low` and `high` whose logarithm is uniform. */
export const betweenInProportion = (random: RandomStream, low: number, high: number): number =>
  low * (high / low) ** random.float();

/** True with the probability `share`. */
export const chance = (random: RandomStream, share: number): boolean => random.float() < share;

/** A random element of a list. */
export const pick = <T>(random: RandomStream, list: readonly T[]): T => list[random.int(list.length)] as T;
