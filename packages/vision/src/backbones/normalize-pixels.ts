import { tf } from '@hookline/tfjs';
import type { PixelStatistics } from './backbone.ts';

/** (pixels - mean) / deviation, as float32, [batch, height, width, 3]. */
export const normalizePixels = (images: tf.Tensor4D, { mean, deviation }: PixelStatistics): tf.Tensor4D =>
  images.cast<tf.Tensor4D>('float32').sub(perChannel(mean)).div(perChannel(deviation));

const perChannel = (value: number | readonly number[]): tf.Tensor =>
  typeof value === 'number' ? tf.scalar(value) : tf.tensor1d([...value]);
