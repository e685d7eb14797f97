import { HooklineError } from '@hookline/core';
import type { TrainableModel } from '@hookline/tfjs';
import type { Detector } from './detector.ts';

/** The model as a detector. @throws HooklineError `HKL_DETECT_MODEL` when it is none */
export function detectorOf(model: TrainableModel, who: string): Detector {
  const { classNames, predict, inputs } = model as Partial<Detector>;
  if (classNames !== undefined && predict !== undefined && inputs !== undefined) return model as Detector;
  throw new HooklineError('HKL_DETECT_MODEL', `the model "${model.name}" is no detector`, {
    who,
    fix: 'Train a model made by detector(...), or one that has classNames, inputs and predict as it does',
  });
}
