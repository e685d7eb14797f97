import type { AnyServiceRef } from '../container/service-ref.ts';
import { HooklineError } from '../errors.ts';
import { assertKnownOptions } from '../known-options.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { checkpointsRef } from '../services/core-services.ts';
import { outputRef } from '../services/output-folder.ts';
import type { RunState } from './run-state.ts';
import { TRAINER_BASE_OPTIONS, type TrainerBaseOptions } from './trainer-options.ts';

/** A whole number from `least` up. @throws HooklineError `HKL_OPTION_INVALID` */
export function assertCount(name: string, value: number | undefined, least = 0): number {
  if (value !== undefined && Number.isInteger(value) && value >= least) return value;
  throw new HooklineError('HKL_OPTION_INVALID', `${name} must be a whole number from ${least} up, not ${value}`, {
    who: 'trainer',
  });
}

/** Checks what can be known of a trainer's options at once. @throws HooklineError `HKL_OPTION_UNKNOWN`, `HKL_OPTION_INVALID` */
export function assertTrainerOptions(options: Partial<TrainerBaseOptions> = {}): void {
  assertKnownOptions('TrainerBase', options, TRAINER_BASE_OPTIONS);
  const { maxIterations, startIteration = 0, metricsPeriod = 1, yieldAfter, waitWarning, disposeTimeout } = options;
  assertCount('maxIterations', maxIterations);
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
  });
}

/** @throws HooklineError `HKL_TRAIN_TWICE` while an earlier call of `train` is under way */
export function assertIdle(isTraining: boolean, who: 'train' | 'dispose'): void {
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
 * @param isUnfinished whether a plugin has something left to do after the last step
 * @throws HooklineError `HKL_NOTHING_TO_TRAIN` when the end is reached already
 */
export function assertSomethingToTrain({ iteration, maxIterations }: RunState, isUnfinished: boolean): void {
  if (iteration < maxIterations || (iteration === maxIterations && isUnfinished)) return;
  const what = `iteration ${iteration} is not below maxIterations ${maxIterations}`;
  const fix = 'Raise maxIterations to go on, or begin a new run in another output folder';
  throw new HooklineError('HKL_NOTHING_TO_TRAIN', what, { who: 'train', fix });
}

/** Whether any plugin may write into the run's folder. */
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
