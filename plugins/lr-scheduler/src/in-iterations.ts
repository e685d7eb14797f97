import { isPeriod, type Period } from '@hookline/core';

/** A schedule in which all points in time are iterations, not `{ epochs: 8 }`. */
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
 * Copies a schedule and converts all values in epochs to iterations.
 *
 * @param iterationAt converts one value
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
