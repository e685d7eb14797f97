import type { AnyServiceRef } from '../container/service-ref.ts';
import { HooklineError } from '../errors.ts';
import { assertKnownOptions } from '../known-options.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { checkpointsRef } from '../services/core-services.ts';
import type { Period } from '../services/epochs.ts';
import { outputRef } from '../services/output-folder.ts';
import type { RunState } from './run-state.ts';
import { TRAINER_BASE_OPTIONS, type TrainerBaseOptions, type TrainOptions } from './trainer-options.ts';

/** A whole number from `least` up. @throws HooklineError `HKL_OPTION_INVALID` */
export function assertCount(name: string, value: number, least = 0): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new HooklineError('HKL_OPTION_INVALID', `${name} must be a whole number from ${least} up, not ${value}`, {
    who: 'trainer',
    fix: 'Give a whole number, such as 100',
  });
}

/** The end that the options ask for. @throws HooklineError `HKL_OPTION_INVALID` unless it is given exactly once */
export function endOf({ maxIterations, maxEpochs }: TrainOptions): Period {
  if (maxEpochs === undefined) {
    if (maxIterations !== undefined) return assertCount('maxIterations', maxIterations);
    throw new HooklineError('HKL_OPTION_INVALID', 'neither maxIterations nor maxEpochs is given', {
      who: 'trainer',
      fix: 'Give maxIterations: 1000, or maxEpochs: 10 for data of known length',
    });
  }
  if (maxIterations !== undefined) {
    throw new HooklineError('HKL_OPTION_INVALID', 'both maxIterations and maxEpochs are given', {
      who: 'trainer',
      fix: 'Leave one of them out',
    });
  }
  if (typeof maxEpochs === 'number' && maxEpochs > 0 && Number.isFinite(maxEpochs)) return { epochs: maxEpochs };
  throw new HooklineError('HKL_OPTION_INVALID', `maxEpochs must be a number above 0, not ${String(maxEpochs)}`, {
    who: 'trainer',
    fix: 'Give, for example, maxEpochs: 10; a fraction is allowed',
  });
}

/**
 * Checks the options of a trainer, as far as they can be checked without preparing it. @throws HooklineError
 * `HKL_OPTION_UNKNOWN`, `HKL_OPTION_INVALID`
 */
export function assertTrainerOptions(options: Partial<TrainerBaseOptions> = {}): void {
  assertKnownOptions('TrainerBase', options, TRAINER_BASE_OPTIONS);
  const { startIteration = 0, metricsPeriod = 1, yieldAfter, waitWarning, disposeTimeout } = options;
  endOf(options);
  assertCount('startIteration', startIteration);
  assertCount('metricsPeriod', metricsPeriod, 1);
  assertTime('yieldAfter', yieldAfter, 'milliseconds');
  assertTime('waitWarning', waitWarning, 'seconds');
  assertTime('disposeTimeout', disposeTimeout, 'milliseconds');
}

function assertTime(name: string, value: number | undefined, unit: string): void {
  if (value === undefined || (typeof value === 'number' && value >= 0)) return;
  throw new HooklineError('HKL_OPTION_INVALID', `${name} must be ${unit} from 0 up, not ${String(value)}`, {
    who: 'trainer',
    fix: `Give a number of ${unit}, or leave ${name} out for the default`,
  });
}

/** @throws HooklineError `HKL_TRAIN_TWICE` while an earlier call of `train` is under way */
export function assertNotTraining(isTraining: boolean, who: 'train' | 'load' | 'close' | 'dispose'): void {
  if (!isTraining) return;
  throw new HooklineError('HKL_TRAIN_TWICE', 'this trainer is training already', {
    who,
    fix: 'Await the first call of train',
  });
}

/** @throws HooklineError `HKL_TRAINER_DISPOSED` */
export function assertNotDisposed(isDisposed: boolean): void {
  if (!isDisposed) return;
  throw new HooklineError('HKL_TRAINER_DISPOSED', 'this trainer has been disposed of, with its services', {
    who: 'trainer',
    fix: 'Call dispose() after the last use, or make another trainer',
  });
}

/**
 * @param isUnfinished whether a plugin still has something to do after the last step
 * @throws HooklineError `HKL_NOTHING_TO_TRAIN` when the end is reached already
 */
export function assertSomethingToTrain({ iteration, maxIterations, end }: RunState, isUnfinished: boolean): void {
  if (iteration < maxIterations || (iteration === maxIterations && isUnfinished)) return;
  const what = `iteration ${iteration} is not below maxIterations ${maxIterations}`;
  const name = typeof end === 'number' ? 'maxIterations' : 'maxEpochs';
  const fix = `Raise ${name} to go on, or begin a new run in another output folder`;
  throw new HooklineError('HKL_NOTHING_TO_TRAIN', what, { who: 'train', fix });
}

/** Whether any plugin may write into the run's folder, by its requirements. */
export const needsOutput = (plugins: readonly Plugin[]): boolean => requiresAny(plugins, [outputRef, checkpointsRef]);

/** Whether any plugin asks for one of these services. */
export function requiresAny(plugins: readonly Plugin[], refs: readonly AnyServiceRef[]): boolean {
  const ids = new Set(refs.map(({ id }) => id));
  return plugins.some(({ definition }) =>
    Object.values(definition.requires ?? {}).some((requirement) =>
      ids.has((requirement.kind === 'optional' ? requirement.ref : requirement).id),
    ),
  );
}
