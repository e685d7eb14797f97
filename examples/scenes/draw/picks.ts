import type { RandomStream } from 'hookline';

/** A number between two. */
export const between = (random: RandomStream, low: number, high: number): number => low + (high - low) * random.float();

/** The same, with small numbers as likely as large ones in proportion: twice as large is equally far everywhere. */
export const betweenInProportion = (random: RandomStream, low: number, high: number): number =>
  low * (high / low) ** random.float();

/** True once in so many times. */
export const chance = (random: RandomStream, share: number): boolean => random.float() < share;

/** One of a list. */
export const pick = <T>(random: RandomStream, list: readonly T[]): T => list[random.int(list.length)] as T;
