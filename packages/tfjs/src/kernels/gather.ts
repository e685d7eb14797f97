import { HooklineError } from '@hookline/core';
import tf from '#tfjs';
import { DataType, NATIVE_BACKEND, type NativeBackend, typeOf } from '../device/native-backend.ts';

interface GatherAttributes {
  readonly axis: number;
  readonly batchDims: number;
}

const TYPES: Readonly<Record<string, number>> = {
  float32: DataType.float32,
  int32: DataType.int32,
  bool: DataType.bool,
  complex64: DataType.complex64,
  string: DataType.string,
};

/** Marks our kernel, so that it does not replace itself. */
const MARK = Symbol.for('hookline.gather');
type Marked = tf.KernelConfig & { readonly [MARK]?: true };

/**
 * Registers a kernel of `tf.gather` for native TensorFlow that leaves the indices on the device. The kernel of
 * tfjs-node reads them on the host to check them, so a step with an embedding could not be captured. TensorFlow checks
 * them itself.
 *
 * On a GPU, TensorFlow does not check. There, eager steps still read the indices; captured steps get zeros for an index
 * out of range, which is TensorFlow's usual behaviour on GPUs.
 *
 * Does nothing until tfjs-node is loaded.
 */
export function registerGather(): void {
  const known = tf.getKernel(tf.GatherV2, NATIVE_BACKEND) as Marked | undefined;
  if (known === undefined || known[MARK] === true) return;
  tf.unregisterKernel(tf.GatherV2, NATIVE_BACKEND);
  const config: Marked = {
    kernelName: tf.GatherV2,
    backendName: NATIVE_BACKEND,
    [MARK]: true,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const native = backend as unknown as NativeBackend;
      const { x, indices } = inputs as { x: tf.Tensor; indices: tf.Tensor };
      const { batchDims } = attrs as unknown as GatherAttributes;
      const axis = axisOf(x, attrs);
      tf.backend_util.segment_util.collectGatherOpShapeInfo(x, indices, axis, batchDims);
      if (native.isUsingGpuDevice && native.binding.isRecording !== true) assertInRange(native, indices, x, axis);
      const axisTensor = tf.scalar(axis, 'int32');
      try {
        const attributes = [
          { name: 'batch_dims', type: native.binding.TF_ATTR_INT, value: batchDims },
          typeOf(native, 'Tparams', TYPES[x.dtype] as number),
          typeOf(native, 'Tindices', TYPES[indices.dtype] as number),
          typeOf(native, 'Taxis', DataType.int32),
        ];
        return native.executeSingleOutput('GatherV2', attributes, [x, indices, axisTensor]);
      } catch (error) {
        throw indexOutOfRange(error) ?? error;
      } finally {
        axisTensor.dispose();
      }
    },
  };
  tf.registerKernel(config);
}

/**
 * Returns the error for an index out of range when `error` is TensorFlow's error for one, else undefined.
 *
 * @param who what ran the op, such as the model
 */
export function indexOutOfRange(error: unknown, who?: string): HooklineError | undefined {
  if (error instanceof HooklineError) {
    if (error.code !== 'HKL_INDEX_OUT_OF_RANGE' || who === undefined || error.cause === undefined) return undefined;
    return indexOutOfRange(error.cause, who);
  }
  const { message } = error as Error;
  const found = /(?<index>indices\[[\d,\s]*\] = -?\d+) (?:is not in|does not index into) (?<range>[^\n\t{]*)/.exec(
    message,
  );
  if (found?.groups === undefined) return undefined;
  const op = /\{\{node (?:\S*\/)?(?<op>[A-Za-z0-9]+?)(?:_\d+)?\}\}/.exec(message)?.groups?.['op'] ?? 'GatherV2';
  const { index, range } = found.groups;
  return outOfRange(op, `${String(index)} is not in ${String(range).trim()}`, error, who);
}

function assertInRange(native: NativeBackend, indices: tf.Tensor, x: tf.Tensor, axis: number): void {
  const size = x.shape[axis] as number;
  const values = native.readSync(indices.dataId) as Int32Array;
  const place = values.findIndex((value) => value < 0 || value >= size);
  if (place === -1) return;
  throw outOfRange('GatherV2', `indices[${place}] = ${String(values[place])} is not in [0, ${size})`, undefined);
}

const outOfRange = (op: string, what: string, cause: unknown, who = 'the model'): HooklineError =>
  new HooklineError('HKL_INDEX_OUT_OF_RANGE', `the op ${op} was given an index out of range: ${what}`, {
    who,
    fix: 'An embedding needs an inputDim above the largest index, and tf.gather an axis that is long enough: compare the data with the size of the table',
    cause,
  });

/** The axis, counted from the first. tfjs refuses one that `x` does not have. */
const axisOf = (x: tf.Tensor, attrs: unknown): number =>
  tf.util.parseAxisParam((attrs as GatherAttributes).axis, x.shape)[0] as number;

/**
 * Gives `tf.gather` and `tf.unsortedSegmentSum` gradients that also support negative axes, any number of batch
 * dimensions without a loop over the batch, and indices computed from the differentiated tensor (their gradient is
 * zero).
 */
export function registerGatherGradients(): void {
  tf.unregisterGradient(tf.GatherV2);
  tf.registerGradient({
    kernelName: tf.GatherV2,
    inputsToSave: ['x', 'indices'],
    gradFunc: (dy, saved, attrs) => {
      const [x, indices] = saved as [tf.Tensor, tf.Tensor];
      const { batchDims } = attrs as unknown as GatherAttributes;
      return {
        x: () => scatterAdd(dy as tf.Tensor, x.shape, indices, axisOf(x, attrs), batchDims),
        indices: () => tf.zeros(indices.shape),
      };
    },
  });
  const original = tf.getGradient(tf.UnsortedSegmentSum);
  tf.unregisterGradient(tf.UnsortedSegmentSum);
  tf.registerGradient({
    ...original,
    gradFunc: (dy, saved, attrs) => ({
      ...original.gradFunc(dy, saved, attrs),
      segmentIds: () => tf.zeros((saved[0] as tf.Tensor).shape),
    }),
  });
}

/**
 * Adds each slice of `dy` to the place from which it was gathered. With x of shape [batch..., before..., size,
 * after...] and indices of shape [batch..., taken...], `dy` has shape [batch..., before..., taken..., after...].
 */
function scatterAdd(
  dy: tf.Tensor,
  shape: readonly number[],
  indices: tf.Tensor,
  axis: number,
  batchDims: number,
): tf.Tensor {
  const { sizeFromShape } = tf.util;
  const size = shape[axis] as number;
  const batch = sizeFromShape(shape.slice(0, batchDims));
  const before = sizeFromShape(shape.slice(batchDims, axis));
  const after = shape.slice(axis + 1);
  const taken = sizeFromShape(indices.shape.slice(batchDims));
  const row = before === 1 ? after : [before, ...after];
  let slices = dy;
  if (before > 1) slices = dy.reshape([batch, before, taken, sizeFromShape(after)]).transpose([0, 2, 1, 3]);
  let segments = indices.reshape([batch * taken]);
  if (batch > 1) {
    // Each example of the batch has its own row of segments.
    const offsets = tf.range(0, batch, 1, 'int32').mul(tf.scalar(size, 'int32')).reshape([batch, 1]);
    segments = indices
      .reshape([batch, taken])
      .add(offsets)
      .reshape([batch * taken]);
  }
  const sums = tf.unsortedSegmentSum(slices.reshape([batch * taken, ...row]), segments as tf.Tensor1D, batch * size);
  if (before === 1) return sums.reshape([...shape]);
  return sums
    .reshape([batch, size, before, sizeFromShape(after)])
    .transpose([0, 2, 1, 3])
    .reshape([...shape]);
}
