import { isPeriod, type Period } from '@hookline/core';

/** A schedule whose moments are iterations, where it may be written with `{ epochs: 8 }`. */
export type InIterations<T> = T extends { readonly epochs: number }
  ? never
  : T extends readonly (infer Item)[]
    ? InIterations<Item>[]
    : T extends object
      ? T extends (...args: never[]) => unknown
        ? T
        : { [Key in keyof T]: InIterations<T[Key]> }
      : T;

/**
 * A copy of a schedule in which every moment that counts in epochs is the iteration at which it comes.
 *
 * @param iterationAt the iteration of such a moment
 */
export function inIterations<T>(schedule: T, iterationAt: (moment: Period) => number): InIterations<T> {
  const resolve = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(resolve);
    if (isPeriod(value)) return iterationAt(value);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]));
  };
  return resolve(schedule) as InIterations<T>;
}
