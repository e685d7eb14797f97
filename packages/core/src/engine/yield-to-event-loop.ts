import { setImmediate as nextMacrotask } from 'node:timers/promises';

/**
 * Makes a function that yields to Node's event loop, so that timers, signals and input get their turn, once `budget`
 * milliseconds have passed since it last did. Until then the function returns undefined and costs one look at the clock.
 *
 * A loop that awaits only settled promises never leaves the microtask queue: no signal would ever arrive.
 */
export function yieldToEventLoop(budget: number): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    if (performance.now() - last < budget) return undefined;
    return nextMacrotask().then(() => {
      last = performance.now();
    });
  };
}
