import tf from '#tfjs';

/** An operation with inputs, for comparing its value and gradients between backends. */
export interface GradientCase {
  readonly name: string;
  readonly inputs: readonly { readonly values: Float32Array; readonly shape: number[] }[];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** The same in other words, for a reference backend that does not know `run`. */
  readonly reference?: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** Relative to the largest value. Default 1e-5. */
  readonly tolerance?: number;
}

/** Values between -1 and 1 that look random and are the same everywhere; none is near a kink at 0. */
export function input(shape: number[], offset = 0): GradientCase['inputs'][number] {
  const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, index) => {
    const fraction = (((index + 1 + offset * 977) * 0.618033988749895) % 1) * 2 - 1;
    return Math.abs(fraction) < 0.01 ? 0.5 : fraction;
  });
  return { values, shape };
}

/** Keeps a value away from zero. */
export const positive = (x: tf.Tensor): tf.Tensor => tf.add(tf.abs(x), 0.5);
