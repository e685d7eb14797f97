import type { TrainableModel } from './trainable-model.ts';

/**
 * Calls `fn` with the model in eval mode and puts the mode back afterwards, also when `fn` throws, and when it is
 * asynchronous only once it is done.
 */
export function inEvalMode<T>(model: Pick<TrainableModel, 'training'>, fn: () => T): T {
  const before = model.training;
  const restore = (): void => {
    model.training = before;
  };
  model.training = false;
  let result: T;
  try {
    result = fn();
  } catch (error) {
    restore();
    throw error;
  }
  if (result instanceof Promise) return result.finally(restore) as T;
  restore();
  return result;
}
