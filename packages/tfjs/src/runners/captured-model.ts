import { CapturedPredictor, type CapturedPredictorOptions } from './captured-predictor.ts';
import type { TrainableModel } from '../model/trainable-model.ts';

const PREDICTORS = new WeakMap<object, CapturedPredictor>();

/**
 * The model with captured predictions: another view of the same object, of which everything but `predict` is the model's
 * own. A model without `predict` stays as it is.
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
  /** Methods as they are called: on the model itself, whose private fields a proxy does not have. */
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

/** What captures the predictions of a model that {@link capturedModel} gave; undefined for any other. */
export const predictorOf = (model: object): CapturedPredictor | undefined => PREDICTORS.get(model);
