import { AsyncLocalStorage } from 'node:async_hooks';
import type { RandomStream } from '@hookline/core';

/**
 * The stream of the current build. It follows the asynchronous call chain, because several builds may wait at the same
 * time.
 */
const streams = new AsyncLocalStorage<RandomStream>();
let builds = 0;
let original = Math.random;

/**
 * Runs `build` with tfjs's random numbers taken from a stream, so that the same seed gives a model the same initial
 * weights: every initializer of tfjs without a seed starts from one `Math.random()` call. An asynchronous `build` is
 * covered until its promise settles. Other code that runs in the meantime draws random numbers as usual.
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
