import { HooklineError } from '../errors.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { checkpointsRef } from '../services/core-services.ts';
import { outputRef } from '../services/output-folder.ts';
import type { RunState } from './run-state.ts';

/** A whole number from 0 up. @throws HooklineError `HKL_OPTION_INVALID` */
export function assertCount(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0) return value;
  throw new HooklineError('HKL_OPTION_INVALID', `${name} must be a whole number from 0 up, not ${value}`, {
    who: 'trainer',
  });
}

/** @throws HooklineError `HKL_NOTHING_TO_TRAIN` when the end is reached already */
export function assertSomethingToTrain({ iteration, maxIterations }: RunState): void {
  if (iteration < maxIterations) return;
  const what = `iteration ${iteration} is not below maxIterations ${maxIterations}`;
  const fix = 'Raise maxIterations to go on, or begin a new run in another output folder';
  throw new HooklineError('HKL_NOTHING_TO_TRAIN', what, { who: 'train', fix });
}

/** Whether any plugin may write into the run's folder. */
export function needsOutput(plugins: readonly Plugin[]): boolean {
  const needs = new Set([outputRef.id, checkpointsRef.id]);
  return plugins.some(({ definition }) =>
    Object.values(definition.requires ?? {}).some((requirement) =>
      needs.has((requirement.kind === 'optional' ? requirement.ref : requirement).id),
    ),
  );
}
