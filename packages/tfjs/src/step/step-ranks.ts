import tf from '#tfjs';

/** What a plugin for several processes lends to each train step. */
export interface StepRanks {
  /** How many ranks there are. */
  readonly size: number;
  /** Means over all ranks, in new tensors; the same calls in the same order on every rank. */
  mean(tensors: readonly tf.Tensor[]): tf.Tensor[];
  /** Whether batch norms use the statistics of the batches of all ranks together. */
  readonly syncBatchNorm: boolean;
  /**
   * Makes values equal that are to be saved and that each rank has of its own, such as sums of gradients in the middle of an
   * accumulation. Called on all ranks before each save.
   */
  align(variables: ReadonlyMap<string, tf.Variable>): Promise<void>;
}

let current: StepRanks | undefined;

/** Runs a step, or a part of it, with what the ranks share. */
export function withRanks<T>(ranks: StepRanks | undefined, body: () => T): T {
  const before = current;
  current = ranks;
  try {
    return body();
  } finally {
    current = before;
  }
}

/** Whether the batch norms of the step in progress go by the batches of all ranks. */
export const syncsBatchNorm = (): boolean => current?.syncBatchNorm === true;

/** How many ranks make up the batch of the step in progress; 1 outside of a train step and in a single process. */
export const ranksOfStep = (): number => current?.size ?? 1;

/**
 * The mean of a tensor over the ranks of a data-parallel training, for what a loss needs to know of the whole batch: by how many
 * positives it is divided, for example. Gradients flow through it. Call it in the losses of a model, on every rank alike. Outside of a
 * train step and in a single process it gives the tensor itself.
 *
 * @param x float32
 */
export function meanOverRanks<T extends tf.Tensor>(x: T): T {
  const ranks = current;
  if (ranks === undefined) return x;
  const mean = (tensor: tf.Tensor): T => ranks.mean([tensor])[0] as T;
  // Each rank's loss counts 1/n, and so does its share of the mean: with the mean of what the ranks send back, the n cancels out.
  return tf.customGrad((tensor) => ({
    value: mean(tensor as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => mean(dy),
  }))(x) as T;
}
