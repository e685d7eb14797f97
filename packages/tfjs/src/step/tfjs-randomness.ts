import { createRequire } from 'node:module';
import type { RandomStream } from '@hookline/core';
import type * as tf from '@tensorflow/tfjs';
import type { StepRandom } from './step-random.ts';

/** Where random numbers come from while a step runs. */
export interface StepRandomness {
  /** Numbers made on the host. */
  readonly host: RandomStream;
  /** Random tensors of a name. */
  readonly open: (name: string) => StepRandom;
}

type Core = Pick<typeof tf, 'dropout' | 'randomUniform' | 'randomNormal' | 'tidy'>;

/** The module object through which tf.layers calls tfjs-core; its properties can be replaced, those of an import cannot. */
function tfjsCore(): Core {
  const here = createRequire(import.meta.url);
  return createRequire(here.resolve('@tensorflow/tfjs'))('@tensorflow/tfjs-core') as Core;
}

let core: Core | undefined;

/**
 * Runs `body` with tfjs's random numbers taken from the step, so that a step replays exactly.
 *
 * tf.layers (dropout in all its forms, noise layers, recurrent dropout) then draws its masks as random tensors on the
 * device. Every other random number of tfjs begins with one `Math.random()`, which comes from the run's seed too, so
 * `tf.dropout` called directly replays as well, with masks made on the host.
 */
export function withStepRandomness<T>({ host, open }: StepRandomness, body: () => T): T {
  core ??= tfjsCore();
  const { dropout, randomUniform, randomNormal, tidy } = core;
  const { random } = Math;
  const patched: Partial<Core> = {
    dropout: (x, rate, noiseShape, seed) => {
      if (rate === 0 || typeof x !== 'object' || !('dataId' in x)) return dropout(x, rate, noiseShape, seed);
      return tidy(() => {
        const shape =
          (noiseShape as (number | null)[] | undefined)?.map((size, axis) => size ?? (x.shape[axis] as number)) ??
          x.shape;
        const kept = open(seed === undefined ? 'dropout' : `dropout/${seed}`)
          .uniform(shape)
          .greaterEqual(rate);
        return x.mul(kept.cast('float32').mul(1 / (1 - rate)));
      });
    },
    randomUniform: ((shape, min, max, dtype = 'float32', seed) =>
      seed === undefined && dtype === 'float32'
        ? open('randomUniform').uniform(shape, min, max)
        : randomUniform(shape, min, max, dtype, seed)) as Core['randomUniform'],
    randomNormal: ((shape, mean, stddev, dtype = 'float32', seed) =>
      seed === undefined && dtype === 'float32'
        ? open('randomNormal').normal(shape, mean, stddev)
        : randomNormal(shape, mean, stddev, dtype, seed)) as Core['randomNormal'],
  };
  Object.assign(core, patched);
  Math.random = () => host.float();
  try {
    return body();
  } finally {
    Object.assign(core, { dropout, randomUniform, randomNormal });
    Math.random = random;
  }
}
