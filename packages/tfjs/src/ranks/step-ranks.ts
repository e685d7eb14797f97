import { defineService, type NamedLosses, type ServiceRef } from '@hookline/core';
import tf from '#tfjs';

/** The losses of a step, and their sum; all of them float32 scalars. */
export interface StepLosses {
  readonly losses: NamedLosses;
  readonly total: tf.Scalar;
}

/** What the steps of a training share with the other ranks. A plugin for several processes replaces {@link stepRanksRef}. */
export interface StepRanks {
  /** How many ranks there are. */
  readonly size: number;
  /** Whether batch norms use the statistics of the batches of all ranks together. */
  readonly syncBatchNorm: boolean;
  /** Means over all ranks, in new tensors; the same calls in the same order on every rank. */
  mean(tensors: readonly tf.Tensor[]): tf.Tensor[];
  /**
   * Calls the taps of `gradients`, by `handOn`, and gives what they gave and the means over all ranks of the losses, which the step
   * reports and checks. Called in every step, also in one that makes no update, so that all ranks fail together.
   */
  shareLosses<T>(losses: StepLosses, handOn: () => T): { readonly result: T; readonly shared: StepLosses };
  /**
   * Makes values equal that are to be saved and that each rank has of its own, such as sums of gradients in the middle of an
   * accumulation. Called on all ranks before each save.
   */
  align(variables: ReadonlyMap<string, tf.Variable>): Promise<void>;
}

/** A single process. */
export const oneRank: StepRanks = Object.freeze<StepRanks>({
  size: 1,
  syncBatchNorm: false,
  mean: (tensors) => [...tensors],
  shareLosses: (losses, handOn) => ({ result: handOn(), shared: losses }),
  align: () => Promise.resolve(),
});

/** What the steps share with other ranks: nothing, until a plugin such as data-parallel replaces it. */
export const stepRanksRef: ServiceRef<StepRanks> = defineService<StepRanks>('stepRanks', {
  description: 'what the steps share with other ranks (of SimpleTrainer and tfjsRuntime)',
});

let current = oneRank;

/** Runs a step, or a part of it, with what the ranks share. */
export function withRanks<T>(ranks: StepRanks, body: () => T): T {
  const before = current;
  current = ranks;
  try {
    return body();
  } finally {
    current = before;
  }
}

/** Whether the batch norms of the step in progress go by the batches of all ranks. */
export const syncsBatchNorm = (): boolean => current.syncBatchNorm;

/** How many ranks make up the batch of the step in progress; 1 outside of a train step and in a single process. */
export const ranksOfStep = (): number => current.size;

/**
 * The mean of a tensor over the ranks of a data-parallel training, for what a loss needs to know of the whole batch: by how many
 * positives it is divided, for example. Gradients flow through it. Call it in the losses of a model, on every rank alike. Outside of a
 * train step and in a single process it gives the tensor itself.
 *
 * @param x float32
 */
export function meanOverRanks<T extends tf.Tensor>(x: T): T {
  const ranks = current;
  if (ranks.size === 1) return x;
  const mean = (tensor: tf.Tensor): T => ranks.mean([tensor])[0] as T;
  // Each rank's loss counts 1/n, and so does its share of the mean: with the mean of what the ranks send back, the n cancels out.
  return tf.customGrad((tensor) => ({
    value: mean(tensor as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => mean(dy),
  }))(x) as T;
}
