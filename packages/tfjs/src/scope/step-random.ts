import { createHash } from 'node:crypto';
import tf from '#tfjs';
import type { StepInput } from './step-input.ts';
import { statelessOp, statelessRandom } from './stateless-random.ts';

/**
 * Random tensors inside a step. Their numbers depend only on the run's seed, the name, the iteration and how many
 * tensors of this name the step has already drawn. They therefore replay exactly, in eager and in captured steps.
 */
export class StepRandom {
  readonly name: string;
  readonly #key: StepInput;
  readonly #offsets: (readonly [number, number])[] = [];
  #draws = 0;

  /** @param key two int32 values that differ in every iteration */
  constructor(name: string, key: StepInput) {
    this.name = name;
    this.#key = key;
  }

  /** Uniform random numbers in [min, max), float32. */
  uniform(shape: readonly number[], min = 0, max = 1): tf.Tensor {
    return this.#draw('uniform', shape, max - min, min);
  }

  /** Normally distributed random numbers, float32. */
  normal(shape: readonly number[], mean = 0, stddev = 1): tf.Tensor {
    return this.#draw('normal', shape, stddev, mean);
  }

  /**
   * For internal use by the step: numbers of one of TensorFlow's stateless random ops.
   *
   * @returns undefined when TensorFlow does not run natively
   */
  native(
    op: 'StatelessTruncatedNormal' | 'StatelessRandomGammaV2',
    shape: readonly number[],
    ...parameters: tf.Tensor[]
  ): tf.Tensor | undefined {
    const types = { dtype: 'float32', Tseed: 'int32', T: 'int32' } as const;
    return this.#native(op, types, (seed) => [tf.tensor1d([...shape], 'int32'), seed, ...parameters]);
  }

  /**
   * For internal use by the step: class indices sampled from logits [rows, classes], int32 [rows, samples].
   *
   * @returns undefined when TensorFlow does not run natively
   */
  categorical(logits: tf.Tensor, samples: number): tf.Tensor | undefined {
    const types = { T: 'float32', Tseed: 'int32', output_dtype: 'int32' } as const;
    return this.#native('StatelessMultinomial', types, (seed) => [logits, tf.scalar(samples, 'int32'), seed]);
  }

  /** For runners: call it when a step begins. */
  begin(): void {
    this.#draws = 0;
  }

  #native(
    op: string,
    types: Readonly<Record<string, 'float32' | 'int32'>>,
    inputs: (seed: tf.Tensor) => tf.Tensor[],
  ): tf.Tensor | undefined {
    const offset = this.#offset(this.#draws++);
    return statelessOp(op, types, () => inputs(this.#key.tensor().add(tf.tensor1d([...offset], 'int32'))));
  }

  #draw(distribution: 'uniform' | 'normal', shape: readonly number[], scale: number, shift: number): tf.Tensor {
    const offset = this.#offset(this.#draws++);
    return tf.tidy(() => {
      const numbers = statelessRandom(
        distribution,
        shape,
        () => this.#key.tensor().add(tf.tensor1d([...offset], 'int32')),
        () => {
          const [key0 = 0, key1 = 0] = this.#key.values();
          return [(key0 + offset[0]) | 0, (key1 + offset[1]) | 0];
        },
      );
      const scaled = scale === 1 ? numbers : numbers.mul(scale);
      return shift === 0 ? scaled : scaled.add(shift);
    });
  }

  /** The value that the nth draw of this name adds to the key. */
  #offset(draw: number): readonly [number, number] {
    let offset = this.#offsets[draw];
    if (offset === undefined) {
      const digest = createHash('sha256')
        .update(JSON.stringify([this.name, draw]))
        .digest();
      offset = [digest.readInt32LE(0), digest.readInt32LE(4)];
      this.#offsets[draw] = offset;
    }
    return offset;
  }
}
