import { usageError } from './usage-error.ts';

/**
 * The number that an option of the command line gives.
 *
 * @returns undefined where the option is not given
 * @throws HooklineError `HKL_USAGE` for anything but a number above 0, and for a part of one where it counts something
 */
export function numberOption(option: string, text: string | undefined, kind: 'count' | 'number'): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && (kind === 'number' || Number.isInteger(value))) return value;
  throw usageError(
    `--${option} ${text} is no ${kind === 'count' ? 'count' : 'number above 0'}`,
    `Such as --${option} ${kind === 'count' ? '10' : '0.01'}`,
  );
}
