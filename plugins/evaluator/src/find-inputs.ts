import { HooklineError } from '@hookline/core';
import { tf } from '@hookline/tfjs';

/** The inputs of a batch: the batch itself if it is a tensor, the first element of an array, otherwise `inputs`, `x` or `xs`. */
export const findInputs = (batch: unknown): unknown => find(batch, 0, ['inputs', 'x', 'xs'], 'inputs');

/** The targets of a batch: the second element of an array, otherwise `labels`, `y` or `ys`. */
export const findLabels = (batch: unknown): unknown => find(batch, 1, ['labels', 'y', 'ys'], 'labels');

function find(batch: unknown, place: number, names: readonly string[], what: string): unknown {
  if (batch instanceof tf.Tensor && place === 0) return batch;
  if (Array.isArray(batch) && batch.length > place) return batch[place];
  const record = (typeof batch === 'object' && batch !== null ? batch : {}) as Record<string, unknown>;
  const name = names.find((each) => record[each] !== undefined);
  if (name !== undefined) return record[name];
  throw new HooklineError('HKL_EVAL_BATCH', `no ${what} found in the batch (${Object.keys(record).join(', ')})`, {
    who: 'evaluation',
    fix: `Say where they are: { ${what}: (batch) => ... }`,
  });
}
