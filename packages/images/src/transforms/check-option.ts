import { HooklineError } from '@hookline/core';

/** Checks an option. @throws HooklineError `HKL_AUGMENTATION_OPTION` unless `holds` */
export function requireOption(holds: boolean, augmentation: string, requirement: string): void {
  if (holds) return;
  throw new HooklineError('HKL_AUGMENTATION_OPTION', requirement, {
    who: augmentation,
    fix: 'Correct the option',
  });
}

/** Checks that a range is finite and ascending. @throws HooklineError `HKL_AUGMENTATION_OPTION` */
export function requireRange(augmentation: string, option: string, [low, high]: readonly [number, number]): void {
  const holds = Number.isFinite(low) && Number.isFinite(high) && low <= high;
  requireOption(holds, augmentation, `${option} must be [least, most], not [${low}, ${high}]`);
}
