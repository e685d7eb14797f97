import type { Logger } from '@hookline/core';
import { z } from 'zod';
import type { Optimizer } from '../parameters/optimizer.ts';

/** The learning rates that optimizers were made with. */
const asked = new WeakMap<Optimizer, number>();

/** What a checkpoint holds of an optimizer's learning rate. */
export const savedRate = z.object({
  learningRate: z.number().min(0),
  /** The rate that was asked for, which a schedule or a plugin may have changed since; younger than the rest. */
  askedLearningRate: z.number().min(0).optional(),
});

/** Call it before the first step: the rate that the optimizer has then is the one that was asked for. */
export function noteAskedRate(optimizer: Optimizer): void {
  if (!asked.has(optimizer)) asked.set(optimizer, optimizer.learningRate);
}

/** What a checkpoint is to hold of the learning rate. */
export function rateToSave(optimizer: Optimizer): {
  readonly learningRate: number;
  readonly askedLearningRate: number;
} {
  const { learningRate } = optimizer;
  return { learningRate, askedLearningRate: asked.get(optimizer) ?? learningRate };
}

/**
 * The learning rate to go on with: the saved one, unless another one is asked for now than was then, which is told.
 *
 * @param whose for the warning, such as `the learning rate`
 */
export function resumedRate(
  optimizer: Optimizer,
  { learningRate, askedLearningRate }: z.output<typeof savedRate>,
  source: string,
  logger: Logger,
  whose: string,
): number {
  const wanted = asked.get(optimizer) ?? optimizer.learningRate;
  // Equal requests: what a plugin has made of the rate since then is part of the run.
  const isSame = (askedLearningRate ?? learningRate) === wanted;
  if (isSame) return learningRate;
  const was = askedLearningRate ?? learningRate;
  const when = askedLearningRate === undefined ? ' at that step' : '';
  logger.warn(`${whose} is ${wanted}, as asked for; ${source} was saved with ${was}${when}`);
  return wanted;
}
