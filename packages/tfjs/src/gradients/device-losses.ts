import type { LazyScalar, ScalarValue } from '@hookline/core';
import tf from '#tfjs';
import { isSumAlone, readLosses, type FigureNames, type StepFigures } from './step-figures.ts';

/** Whether the backend in use can hand out a tensor's values within a call. */
export const readsAtOnce = (): boolean => tf.getBackend() !== 'webgpu';

/** The figures of an eager step: losses, their sum and what a check needs, on the device until somebody reads them. */
export class DeviceLosses {
  readonly names: FigureNames;
  readonly #packed: tf.Tensor;
  #values: Float32Array | undefined;
  #users = 0;

  /** Keeps what it needs; call it within the step's `tf.tidy`. */
  constructor({ names, packed }: StepFigures) {
    this.names = names;
    this.#packed = tf.keep(packed);
  }

  /** All values. Not on WebGPU, which cannot be read at once. */
  read(): Float32Array {
    return (this.#values ??= this.#packed.dataSync<'float32'>());
  }

  /** The same without blocking. */
  async readAsync(): Promise<Float32Array> {
    return (this.#values ??= await this.#packed.data<'float32'>());
  }

  /** The losses and their sum as numbers; they must have been read. */
  numbers(): { losses: Record<string, number>; total: number } {
    return readLosses(this.names, this.#values ?? new Float32Array());
  }

  /** The losses and their sum as scalars that are read only when asked; the tensor goes with the last of them. */
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
