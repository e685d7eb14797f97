import tf from '#tfjs';

/** An operation with inputs, to compare its value and gradients between backends. */
export interface GradientCase {
  readonly name: string;
  readonly inputs: readonly { readonly values: Float32Array; readonly shape: number[] }[];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** An equivalent form, for a reference backend that does not support `run`. */
  readonly reference?: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** The tolerance, relative to the largest value. Default 1e-5. */
  readonly tolerance?: number;
}

/** Pseudo-random values between -1 and 1, the same everywhere and never near a kink at 0. */
export function input(shape: number[], offset = 0): GradientCase['inputs'][number] {
  const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, index) => {
    const fraction = (((index + 1 + offset * 977) * 0.618033988749895) % 1) * 2 - 1;
    return Math.abs(fraction) < 0.01 ? 0.5 : fraction;
  });
  return { values, shape };
}

/** Keeps a value away from zero. */
export const positive = (x: tf.Tensor): tf.Tensor => tf.add(tf.abs(x), 0.5);
