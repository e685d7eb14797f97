import { describeValue, HooklineError, isPlainObject, type NamedLosses, TOTAL_LOSS } from '@hookline/core';
import tf from '#tfjs';

/**
 * Returns the losses as named scalars. A bare scalar is named `total_loss`.
 *
 * @throws HooklineError `HKL_LOSS_NOT_SCALAR`, `HKL_NO_LOSSES`
 */
export function collectLosses(result: unknown, who: string): NamedLosses {
  if (result instanceof tf.Tensor) return { [TOTAL_LOSS]: asScalar(TOTAL_LOSS, result, who) };
  const entries = isPlainObject(result) ? Object.entries(result) : undefined;
  if (entries === undefined) {
    const found = result instanceof Promise ? 'a promise' : describeValue(result);
    throw new HooklineError('HKL_LOSS_NOT_SCALAR', `the losses are ${found}`, {
      who,
      fix: 'Return a scalar tensor, or an object of scalar tensors by name, and compute them without await',
    });
  }
  if (entries.length === 0) {
    throw new HooklineError('HKL_NO_LOSSES', 'there is no loss to minimise', {
      who,
      fix: 'Return at least one loss. In eval mode a model may return none, but then it cannot be trained',
    });
  }
  const losses: Record<string, tf.Scalar> = {};
  for (const [name, value] of entries) losses[name] = asScalar(name, value, who);
  return losses;
}

/** The sum of the losses. */
export function sumLosses(losses: NamedLosses): tf.Scalar {
  const values = Object.values(losses);
  const [only] = values;
  return values.length === 1 && only !== undefined ? only : tf.addN(values);
}

/** The error for an invalid loss; undefined when it is a float32 scalar that has not been disposed of. */
export function lossFault(name: string, value: unknown, who?: string): HooklineError | undefined {
  const tensor = value instanceof tf.Tensor ? (value as tf.Tensor) : undefined;
  if (tensor?.isDisposed === false && tensor.size === 1 && tensor.dtype === 'float32') return undefined;
  let found = `a ${tensor?.dtype} tensor of shape [${tensor?.shape.join(', ')}]`;
  if (tensor === undefined) found = describeValue(value);
  else if (tensor.isDisposed) found = 'a tensor that has been disposed';
  return new HooklineError('HKL_LOSS_NOT_SCALAR', `the loss "${name}" is ${found} instead of a float32 scalar`, {
    who,
    fix: 'Reduce it over the batch, for example with tf.mean(...)',
  });
}

function asScalar(name: string, value: unknown, who: string): tf.Scalar {
  const fault = lossFault(name, value, who);
  if (fault !== undefined) throw fault;
  const loss = value as tf.Tensor;
  return loss.rank === 0 ? (loss as tf.Scalar) : loss.asScalar();
}
