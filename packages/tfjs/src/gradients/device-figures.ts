import type { LazyScalar, ScalarValue } from '@hookline/core';
import tf from '#tfjs';
import { isSumAlone, readLosses, type FigureNames, type StepFigures } from './step-figures.ts';

/** Whether the active backend can read a tensor synchronously. */
export const readsAtOnce = (): boolean => tf.getBackend() !== 'webgpu';

/**
 * The figures of an eager step: the losses, their sum and the values of the check. They stay on the device until they
 * are read.
 */
export class DeviceFigures {
  readonly names: FigureNames;
  readonly #packed: tf.Tensor;
  #values: Float32Array | undefined;
  #users = 0;

  /** Keeps the tensor that it needs. Call it within the step's `tf.tidy`. */
  constructor({ names, packed }: StepFigures) {
    this.names = names;
    this.#packed = tf.keep(packed);
  }

  /** Reads all values synchronously. WebGPU cannot do this. */
  read(): Float32Array {
    return (this.#values ??= this.#packed.dataSync<'float32'>());
  }

  /** Reads all values asynchronously. */
  async readAsync(): Promise<Float32Array> {
    return (this.#values ??= await this.#packed.data<'float32'>());
  }

  /** The losses and their sum as numbers. On WebGPU, call {@link DeviceFigures.readAsync} first. */
  numbers(): { losses: Record<string, number>; total: number } {
    return readLosses(this.names, this.read());
  }

  /**
   * The losses and their sum as scalars that are read only on demand. The tensor is freed together with the last of
   * them.
   */
  lazy(): { losses: Record<string, ScalarValue>; total: ScalarValue | undefined } {
    const { losses: names } = this.names;
    const losses = Object.fromEntries(names.map((name, index) => [name, this.#share(index)]));
    return { losses, total: isSumAlone(this.names) ? undefined : this.#share(this.names.total) };
  }

  dispose(): void {
    this.#packed.dispose();
  }

  #share(index: number): LazyScalar {
    this.#users++;
    const at = (values: Float32Array): number => values[index] ?? Number.NaN;
    return {
      read: () => {
        return readsAtOnce() ? at(this.read()) : this.readAsync().then(at);
      },
      dispose: () => {
        if (--this.#users === 0) this.dispose();
      },
    };
  }
}
