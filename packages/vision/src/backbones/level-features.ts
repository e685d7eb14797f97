import type { tf } from '@hookline/tfjs';
import type { Feature } from './backbone.ts';
import type { Layer } from '../layers/layers.ts';

/** The features that stages, one after the other, make of what the stem gives. */
export function levelFeatures(
  stages: readonly Layer[],
  strides: readonly number[],
  stem: tf.Tensor4D,
  training: boolean,
): readonly Feature[] {
  let tensor = stem;
  return stages.map((stage, level) => {
    tensor = stage(tensor, training);
    return { tensor, stride: strides[level] as number };
  });
}
