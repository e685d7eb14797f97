import { withRandomOps, type RandomOps } from './random-ops.ts';
import type { RandomStream } from '@hookline/core';
import tf from '#tfjs';
import type { StepRandom } from './step-random.ts';

/** The sources of random numbers while a step runs. */
export interface StepRandomness {
  /** The stream of random numbers drawn on the host. */
  readonly host: RandomStream;
  /** Returns the random tensors of a name. */
  readonly open: (name: string) => StepRandom;
  /** Called for each random number drawn on the host. */
  readonly onHost?: (() => void) | undefined;
}

/**
 * Runs `body` with tfjs's random numbers taken from the step, so that a step replays exactly.
 *
 * `tf.randomNormal`, `tf.dropout` and similar functions draw on the device, as does tf.layers (every form of dropout,
 * noise layers, recurrent dropout). As in tfjs, an explicit seed makes `tf.randomNormal` and similar functions return
 * the same numbers each time. All other random numbers of tfjs start from one `Math.random()` call, which also uses the
 * run's seed. Eager steps therefore always replay exactly.
 */
export function withStepRandomness<T>({ host, open, onHost }: StepRandomness, body: () => T): T {
  const { random } = Math;
  Math.random = () => {
    onHost?.();
    return host.float();
  };
  try {
    return withRandomOps(stepOps(open), body);
  } finally {
    Math.random = random;
  }
}

type Shape = readonly number[];

function stepOps(open: StepRandomness['open']): RandomOps {
  const uniform = (shape: Shape, min = 0, max = 1, dtype: tf.DataType = 'float32') =>
    tf.tidy(() => as(open('randomUniform').uniform(shape, min, max), dtype));
  const normal = (shape: Shape, mean = 0, stddev = 1, dtype: tf.DataType = 'float32') =>
    tf.tidy(() => {
      const numbers = open('randomNormal').normal(shape, mean, stddev);
      return as(dtype === 'int32' ? numbers.round() : numbers, dtype);
    });
  const ops = {
    dropout: (x: tf.Tensor | tf.TensorLike, rate: number, noiseShape?: (number | null)[], seed?: number | string) => {
      // TensorFlow.js leaves x as it is for 0, and refuses rates outside of [0, 1).
      if (!(rate > 0 && rate < 1) || !(x instanceof tf.Tensor)) return undefined;
      return tf.tidy(() => {
        const shape = noiseShape?.map((size, axis) => size ?? (x.shape[axis] as number)) ?? x.shape;
        const kept = open(seed === undefined ? 'dropout' : `dropout/${seed}`)
          .uniform(shape)
          .greaterEqual(rate);
        return x.mul(kept.cast('float32').mul(1 / (1 - rate)));
      });
    },
    randomUniform: (shape: Shape, min?: number, max?: number, dtype?: tf.DataType, seed?: number | string) =>
      seed === undefined ? uniform(shape, min, max, dtype) : undefined,
    randomUniformInt: (shape: Shape, min: number, max: number, seed?: number | string) =>
      seed === undefined ? uniform(shape, min, max, 'int32') : undefined,
    randomNormal: (shape: Shape, mean?: number, stddev?: number, dtype?: tf.DataType, seed?: number) =>
      seed === undefined && dtype !== 'bool' ? normal(shape, mean, stddev, dtype) : undefined,
    randomStandardNormal: (shape: Shape, dtype?: tf.DataType, seed?: number) =>
      seed === undefined && dtype !== 'bool' ? normal(shape, 0, 1, dtype) : undefined,
    truncatedNormal: (shape: Shape, mean = 0, stddev = 1, dtype: tf.DataType = 'float32', seed?: number) => {
      if (seed !== undefined || dtype === 'bool') return undefined;
      return tf.tidy(() => {
        const numbers = open('truncatedNormal').native('StatelessTruncatedNormal', shape)?.mul(stddev).add(mean);
        return numbers === undefined ? undefined : as(dtype === 'int32' ? numbers.round() : numbers, dtype);
      });
    },
    randomGamma: (shape: Shape, alpha: number, beta = 1, dtype: tf.DataType = 'float32', seed?: number) => {
      if (seed !== undefined) return undefined;
      return tf.tidy(() => {
        // Multiply by beta: tfjs calls it the inverse scale, but multiplies by it.
        const numbers = open('randomGamma').native('StatelessRandomGammaV2', shape, tf.scalar(alpha))?.mul(beta);
        return numbers === undefined ? undefined : as(dtype === 'int32' ? numbers.round() : numbers, dtype);
      });
    },
    multinomial: (
      logits: tf.Tensor1D | tf.Tensor2D | tf.TensorLike,
      samples: number,
      seed?: number,
      normalized = false,
    ) => {
      const name = seed === undefined ? 'multinomial' : `multinomial/${seed}`;
      return tf.tidy(() => {
        const given = logits instanceof tf.Tensor ? logits : tf.tensor(logits);
        const scores = (normalized ? given.log() : given).reshape([-1, given.shape.at(-1) as number]);
        const drawn = open(name).categorical(scores, samples);
        return drawn !== undefined && given.rank === 1 ? drawn.reshape([samples]) : drawn;
      });
    },
  };
  return ops as unknown as RandomOps;
}

const as = (numbers: tf.Tensor, dtype: tf.DataType): tf.Tensor =>
  dtype === 'float32' ? numbers : dtype === 'bool' ? numbers.cast('int32').cast('bool') : numbers.cast(dtype);
