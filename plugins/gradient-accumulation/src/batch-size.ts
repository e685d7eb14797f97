import { HooklineError } from '@hookline/core';
import { tf, type TrainableModel } from '@hookline/tfjs';
import type { Weight } from './accumulators.ts';

/**
 * Returns the number of samples in a batch on the device: the leading dimension of the model's inputs if the model has `inputs`,
 * otherwise the leading dimension that all tensors of the batch share, apart from scalars. A batch of scalars counts as 1.
 *
 * @throws HooklineError `HKL_ACCUMULATION_BATCH_SIZE` if the leading dimensions differ
 */
export function leadingSize(who: string, model: Pick<TrainableModel, 'inputs'>, batch: unknown): number {
  const inputs = model.inputs === undefined ? [] : tensorsIn(model.inputs(batch), 'inputs').slice(0, 1);
  const [first, ...others] = inputs.length > 0 ? inputs : tensorsIn(batch, 'batch');
  const other = others.find(({ size }) => size !== first?.size);
  if (first === undefined || other === undefined) return first?.size ?? 1;
  throw new HooklineError(
    'HKL_ACCUMULATION_BATCH_SIZE',
    `the size of the batch is not clear: ${first.path} has the leading dimension ${first.size}, ${other.path} has ${other.size}`,
    {
      who,
      where: 'hook batch',
      fix: "Say it: batchSize: (batch) => batch.x.shape[0]. For a loss that is a sum over the batch, set reduction: 'sum'. Where solver.accumulationSteps lists the plugin, list gradientAccumulation({ steps, batchSize }) yourself, which takes its place",
    },
  );
}

/** Checks the value that the option `batchSize` returned. @throws HooklineError `HKL_ACCUMULATION_BATCH_SIZE` for anything but a number or scalar */
export function checkedSize(who: string, size: unknown): Weight {
  if (typeof size === 'number' && Number.isFinite(size) && size > 0) return size;
  if (isTensor(size) && size.rank === 0) return tf.cast(size as tf.Scalar, 'float32');
  const found = isTensor(size) ? `a tensor of shape [${size.shape.join(', ')}]` : String(size);
  throw new HooklineError('HKL_ACCUMULATION_BATCH_SIZE', `batchSize gave ${found}`, {
    who,
    where: 'hook batch',
    fix: 'Return a number above 0, or a scalar tensor, such as the sum of a mask',
  });
}

const isTensor = (value: unknown): value is tf.Tensor => value instanceof tf.Tensor;

interface Found {
  readonly path: string;
  readonly size: number;
}

/** The tensors with a leading dimension in nested arrays, maps, sets and objects. */
function tensorsIn(value: unknown, path: string): Found[] {
  if (isTensor(value)) {
    const [size] = value.shape as readonly (number | undefined)[];
    return size === undefined ? [] : [{ path, size }];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => tensorsIn(item, `${path}[${index}]`));
  if (value instanceof Map) return [...value].flatMap(([key, item]) => tensorsIn(item, `${path}.${String(key)}`));
  if (value instanceof Set) return tensorsIn([...value], path);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => tensorsIn(item, `${path}.${key}`));
}
