import { defineService, type NamedLosses, type ServiceRef } from '@hookline/core';
import tf from '#tfjs';

/** The losses of a step and their sum, all float32 scalars. */
export interface StepLosses {
  readonly losses: NamedLosses;
  readonly total: tf.Scalar;
}

/**
 * What the steps of a training share with the other ranks. A plugin for several processes overrides
 * {@link stepRanksRef}.
 */
export interface StepRanks {
  /** The number of ranks. */
  readonly size: number;
  /** Whether batch norms use statistics over the batches of all ranks. */
  readonly syncBatchNorm: boolean;
  /** Returns the means over all ranks as new tensors. Every rank must make the same calls in the same order. */
  mean(tensors: readonly tf.Tensor[]): tf.Tensor[];
  /**
   * Calls the taps of `gradients` through `handOn`. Returns their result, and the means of the losses over all ranks,
   * which the step reports and checks. It is called in every step, even one without an update, so that all ranks fail
   * together.
   */
  shareLosses<T>(losses: StepLosses, handOn: () => T): { readonly result: T; readonly shared: StepLosses };
  /**
   * Makes equal those values that are to be saved but differ between ranks, such as sums of gradients in the middle of
   * an accumulation. Called on all ranks before each save.
   */
  align(variables: ReadonlyMap<string, tf.Variable>): Promise<void>;
}

/** The ranks of a single process. */
export const oneRank: StepRanks = Object.freeze<StepRanks>({
  size: 1,
  syncBatchNorm: false,
  mean: (tensors) => [...tensors],
  shareLosses: (losses, handOn) => ({ result: handOn(), shared: losses }),
  align: () => Promise.resolve(),
});

/** What the steps share with other ranks: nothing, unless a plugin such as data-parallel overrides it. */
export const stepRanksRef: ServiceRef<StepRanks> = defineService<StepRanks>('stepRanks', {
  description: 'what the steps share with other ranks (of SimpleTrainer and tfjsRuntime)',
});

let current = oneRank;

/** Runs a step, or a part of it, with these ranks. */
export function withRanks<T>(ranks: StepRanks, body: () => T): T {
  const before = current;
  current = ranks;
  try {
    return body();
  } finally {
    current = before;
  }
}

/** Whether the batch norms of the current step use the batches of all ranks. */
export const syncsBatchNorm = (): boolean => current.syncBatchNorm;

/** The number of ranks that share the batch of the current step; 1 outside a train step and in a single process. */
export const ranksOfStep = (): number => current.size;

/**
 * Returns the mean of a tensor over the ranks of a data-parallel training. Losses use it for values of the whole batch,
 * such as the number of positives by which they divide. Gradients flow through it. Call it in the losses of a model, in
 * the same way on every rank. Outside a train step and in a single process, it returns the tensor itself.
 *
 * @param x float32
 */
export function meanOverRanks<T extends tf.Tensor>(x: T): T {
  const ranks = current;
  if (ranks.size === 1) return x;
  const mean = (tensor: tf.Tensor): T => ranks.mean([tensor])[0] as T;
  // Each rank's loss has weight 1/n, and its share of the mean is 1/n too. Averaging the ranks' upstream gradients
  // cancels the n.
  return tf.customGrad((tensor) => ({
    value: mean(tensor as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => mean(dy),
  }))(x) as T;
}
