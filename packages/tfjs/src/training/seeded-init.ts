import { AsyncLocalStorage } from 'node:async_hooks';
import type { RandomStream } from '@hookline/core';

/** The stream of the build that is under way; by the chain of calls, since several may wait for something at once. */
const streams = new AsyncLocalStorage<RandomStream>();
let builds = 0;
let original = Math.random;

/**
 * Runs `build` with the random numbers of tfjs taken from a stream, so that a model has the same first weights for
 * the same seed: every initializer of tfjs that is given no seed begins with one `Math.random()`. An asynchronous `build`
 * is covered to its end; what else runs meanwhile draws as ever.
 */
export function seededInit<T>(random: RandomStream, build: () => T): T {
  if (builds++ === 0) {
    original = Math.random;
    Math.random = () => streams.getStore()?.float() ?? original();
  }
  let built: T;
  try {
    built = streams.run(random, build);
  } catch (error) {
    finish();
    throw error;
  }
  if (!(built instanceof Promise)) {
    finish();
    return built;
  }
  return built.finally(finish) as T;
}

function finish(): void {
  if (--builds === 0) Math.random = original;
}
