import tf from '#tfjs';
import type { ComposedKernel } from './wasm-kernel.ts';

interface Attributes {
  readonly numSegments: number;
}

/**
 * Sums the slices of `x` along its first axis by segment id: the gradient of `gather`, and thus of embeddings. The
 * backend lacks this kernel. Its tensors are in this process's memory, so a loop over them needs no transfer.
 *
 * Ids below zero or beyond the last segment are dropped, as in TensorFlow.
 */
export const unsortedSegmentSum: ComposedKernel<Attributes> = {
  name: 'UnsortedSegmentSum',
  run({ inputs, attrs: { numSegments }, backend }) {
    const [x, segmentIds] = [inputs['x'], inputs['segmentIds']];
    if (x === undefined || segmentIds === undefined) return undefined;
    const [values, ids] = [backend.typedArrayFromHeap(x), backend.typedArrayFromHeap(segmentIds)];
    const sliceShape = x.shape.slice(segmentIds.rank);
    const sliceSize = tf.util.sizeFromShape(sliceShape);
    const sums =
      x.dtype === 'int32' ? new Int32Array(numSegments * sliceSize) : new Float32Array(numSegments * sliceSize);
    for (let index = 0; index < ids.length; index++) {
      const segment = ids[index] ?? -1;
      if (segment < 0 || segment >= numSegments) continue;
      const [from, to] = [index * sliceSize, segment * sliceSize];
      for (let offset = 0; offset < sliceSize; offset++) {
        sums[to + offset] = (sums[to + offset] as number) + (values[from + offset] as number);
      }
    }
    return tf.tensor(sums, [numSegments, ...sliceShape], x.dtype === 'int32' ? 'int32' : 'float32');
  },
};
