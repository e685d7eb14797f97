import type { TrainableModel } from './trainable-model.ts';

/**
 * Calls `fn` with the model in eval mode and restores the previous mode afterwards, also when `fn` throws. When `fn`
 * returns a promise, the mode is restored once the promise settles.
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
