import { CapturedPredictor, type CapturedPredictorOptions } from './captured-predictor.ts';
import type { TrainableModel } from '../model/trainable-model.ts';

const PREDICTORS = new WeakMap<object, CapturedPredictor>();

/**
 * Returns a view of the model (a proxy of the same object) whose `predict` runs as captured graphs. Everything else is the
 * model's own. A model without `predict` is returned as it is.
 *
 * @throws HooklineError `HKL_CAPTURE_BACKEND`, see {@link CapturedPredictor}
 */
export function capturedModel<M extends TrainableModel>(
  model: M,
  options: Omit<CapturedPredictorOptions, 'model'> = {},
): M {
  if (model.predict === undefined) return model;
  const predictor = new CapturedPredictor({ ...options, model });
  const predict = (inputs: unknown): unknown => predictor.predict(inputs);
  /** The methods, bound to the model itself, because a proxy has no access to private fields. */
  const methods = new Map<object, unknown>();
  const bound = (method: (...args: unknown[]) => unknown): unknown => {
    if (!methods.has(method)) methods.set(method, method.bind(model));
    return methods.get(method);
  };
  const view = new Proxy(model, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return key === 'predict' ? predict : bound(value as (...args: unknown[]) => unknown);
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
  PREDICTORS.set(view, predictor);
  return view;
}

/** Returns the predictor behind a model that {@link capturedModel} returned; undefined for any other model. */
export const predictorOf = (model: object): CapturedPredictor | undefined => PREDICTORS.get(model);
