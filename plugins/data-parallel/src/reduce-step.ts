import type { NamedTensors } from '@hookline/core';
import { allReduceMean, type StepLosses, type tf } from '@hookline/tfjs';

const FLOAT_BYTES = 4;

/** What the ranks share at the end of a backward pass. */
export interface ReducedStep {
  readonly gradients: NamedTensors;
  readonly losses: StepLosses;
}

/**
 * Means over all ranks of a step's gradients, losses and new states of the model. Gradients go in buckets, those of the last variables first,
 * since the backward pass has these first. The last bucket holds the losses as well, so that a loss or gradient of one rank that is not finite
 * is so on all of them.
 *
 * @param states variables of the model that the forward pass has assigned, such as moving averages; they are assigned their means
 */
export function reduceStep(
  gradients: NamedTensors,
  { losses, total }: StepLosses,
  states: readonly tf.Variable[],
  bucketBytes: number,
): ReducedStep {
  const buckets = fillBuckets(gradients, bucketBytes);
  const last = buckets.pop() ?? [];
  const means: Record<string, tf.Tensor> = {};
  const keep = (names: readonly string[], reduced: readonly tf.Tensor[]): void =>
    names.forEach((name, place) => (means[name] = reduced[place] as tf.Tensor));
  for (const names of buckets) keep(names, allReduceMean(names.map((name) => gradients[name] as tf.Tensor)));
  const names = Object.keys(losses);
  // One loss is the total.
  const figures = names.length === 1 ? [total] : [...Object.values(losses), total];
  const all = allReduceMean([...last.map((name) => gradients[name] as tf.Tensor), ...states, ...figures]);
  keep(last, all.slice(0, last.length));
  states.forEach((state, place) => state.assign(all[last.length + place] as tf.Tensor));
  const reduced = all.slice(last.length + states.length) as tf.Scalar[];
  const sum = reduced.at(-1) as tf.Scalar;
  return {
    gradients: Object.fromEntries(Object.keys(gradients).map((name) => [name, means[name] as tf.Tensor])),
    losses: { losses: Object.fromEntries(names.map((name, place) => [name, reduced[place] ?? sum])), total: sum },
  };
}

function fillBuckets(gradients: NamedTensors, bucketBytes: number): string[][] {
  const buckets: string[][] = [];
  let filled = Infinity;
  for (const name of Object.keys(gradients).reverse()) {
    const bytes = (gradients[name] as tf.Tensor).size * FLOAT_BYTES;
    if (filled + bytes > bucketBytes) {
      buckets.push([]);
      filled = 0;
    }
    buckets.at(-1)?.push(name);
    filled += bytes;
  }
  return buckets;
}
