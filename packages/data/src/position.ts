import { HooklineError } from '@hookline/core';

/** @throws HooklineError `HKL_DATA_STATE` where there is a fault */
export function assertPosition(who: string, fault: string | undefined): void {
  if (fault === undefined) return;
  throw new HooklineError('HKL_DATA_STATE', `this is no place in its data: ${fault}`, {
    who,
    fix: 'Restore what state() gave, for the same data and batch size',
  });
}

/** True for 0, 1, 2 and so on. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** A value as an error shows it. */
export const shown = (value: unknown): string =>
  typeof value === 'number' || value === undefined ? String(value) : JSON.stringify(value);
