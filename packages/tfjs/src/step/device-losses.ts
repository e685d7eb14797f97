import type { LazyScalar, NamedLosses, ScalarValue } from '@hookline/core';
import * as tf from '@tensorflow/tfjs';

/** Whether the backend in use can hand out a tensor's values within a call. */
export const readsAtOnce = (): boolean => tf.getBackend() !== 'webgpu';

/** Losses and their sum as one tensor on the device, so that reading them all is one transfer. */
export class DeviceLosses {
  readonly names: readonly string[];
  readonly #packed: tf.Tensor;
  #values: Float32Array | undefined;
  #users = 0;

  /** Keeps what it needs; call it within the step's `tf.tidy`. */
  constructor(losses: NamedLosses, total: tf.Scalar) {
    this.names = Object.keys(losses);
    const packed = this.names.length === 1 ? total.clone() : tf.stack([...Object.values(losses), total]);
    this.#packed = tf.keep(packed);
  }

  /** All values, in the order of the names, then the sum. Not on WebGPU, which cannot be read at once. */
  read(): Float32Array {
    return (this.#values ??= this.#packed.dataSync<'float32'>());
  }

  /** The same without blocking. */
  async readAsync(): Promise<Float32Array> {
    return (this.#values ??= await this.#packed.data<'float32'>());
  }

  /** The losses and their sum as numbers; they must have been read. */
  numbers(): { losses: Record<string, number>; total: number } {
    const values = this.#values ?? new Float32Array();
    return {
      losses: Object.fromEntries(this.names.map((name, index) => [name, values[index] ?? Number.NaN])),
      total: values[values.length - 1] ?? Number.NaN,
    };
  }

  /** The losses and their sum as scalars that are read only when asked; the tensor goes with the last of them. */
  lazy(): { losses: Record<string, ScalarValue>; total: ScalarValue | undefined } {
    const losses = Object.fromEntries(this.names.map((name, index) => [name, this.#share(index)]));
    return { losses, total: this.names.length === 1 ? undefined : this.#share(this.names.length) };
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
