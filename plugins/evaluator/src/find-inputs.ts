import { HooklineError } from '@hookline/core';
import { tf } from '@hookline/tfjs';

/** The inputs of a batch: itself if a tensor, the first of an array, else `inputs`, `x` or `xs`. */
export const findInputs = (batch: unknown): unknown => find(batch, 0, ['inputs', 'x', 'xs'], 'inputs');

/** The targets of a batch: the second of an array, else `labels`, `y` or `ys`. */
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
