import type { Logger } from '@hookline/core';
import { z } from 'zod';
import type { Optimizer } from '../parameters/optimizer.ts';

/** The learning rates that optimizers were created with. */
const asked = new WeakMap<Optimizer, number>();

/** The entry of an optimizer's learning rate in a checkpoint. */
export const savedRate = z.object({
  learningRate: z.number().min(0),
  /**
   * The requested rate, as opposed to the current one that a schedule or a plugin may have set. Older checkpoints lack
   * it.
   */
  askedLearningRate: z.number().min(0).optional(),
});

/** Records the optimizer's current rate as the requested one. Call it before the first step. */
export function noteAskedRate(optimizer: Optimizer): void {
  if (!asked.has(optimizer)) asked.set(optimizer, optimizer.learningRate);
}

/** The learning rates that a checkpoint saves. */
export function rateToSave(optimizer: Optimizer): {
  readonly learningRate: number;
  readonly askedLearningRate: number;
} {
  const { learningRate } = optimizer;
  return { learningRate, askedLearningRate: asked.get(optimizer) ?? learningRate };
}

/**
 * Returns the learning rate to resume with: the saved one, unless the requested rate has changed since the save. In
 * that case it returns the requested rate and logs a warning.
 *
 * @param whose names the rate in the warning, such as `the learning rate`
 */
export function resumedRate(
  optimizer: Optimizer,
  { learningRate, askedLearningRate }: z.output<typeof savedRate>,
  source: string,
  logger: Logger,
  whose: string,
): number {
  const wanted = asked.get(optimizer) ?? optimizer.learningRate;
  // The requests are equal, so the saved rate, including any change by a plugin, is part of the run.
  const isSame = (askedLearningRate ?? learningRate) === wanted;
  if (isSame) return learningRate;
  const was = askedLearningRate ?? learningRate;
  const when = askedLearningRate === undefined ? ' at that step' : '';
  logger.warn(`${whose} is ${wanted}, as asked for; ${source} was saved with ${was}${when}`);
  return wanted;
}
