import type { RandomStream } from '@hookline/core';

/**
 * Runs `build` with the random numbers of tfjs taken from a stream, so that a model has the same first weights for
 * the same seed: every initializer of tfjs that is given no seed begins with one `Math.random()`.
 *
 * Only what `build` does before its first `await` is covered.
 */
export function seededInit<T>(random: RandomStream, build: () => T): T {
  const { random: original } = Math;
  Math.random = () => random.float();
  try {
    return build();
  } finally {
    Math.random = original;
  }
}
