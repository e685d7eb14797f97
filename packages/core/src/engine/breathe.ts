import { setImmediate as nextMacrotask } from 'node:timers/promises';

/**
 * Makes a function that lets timers, signals and input through when they have waited for longer than `budget`
 * milliseconds, and that returns undefined, at the cost of reading the clock, while they have not.
 *
 * A loop that awaits only settled promises never leaves the microtask queue: no signal would ever arrive.
 */
export function breather(budget: number): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    if (performance.now() - last < budget) return undefined;
    return nextMacrotask().then(() => {
      last = performance.now();
    });
  };
}
