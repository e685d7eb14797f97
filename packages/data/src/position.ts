import { HooklineError } from '@hookline/core';

/** @throws HooklineError `HKL_DATA_STATE` if there is a fault */
export function assertPosition(who: string, fault: string | undefined): void {
  if (fault === undefined) return;
  throw new HooklineError('HKL_DATA_STATE', `this is no valid position in its data: ${fault}`, {
    who,
    fix: 'Restore a result of state() for the same data and batch size',
  });
}

/** True for 0, 1, 2 and so on. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** A value as text for an error message. */
export const shown = (value: unknown): string =>
  typeof value === 'number' || value === undefined ? String(value) : JSON.stringify(value);
