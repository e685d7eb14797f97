import { usageError } from './usage-error.ts';

/**
 * Parses the numeric value of an option.
 *
 * @returns undefined if the option is not given
 * @throws HooklineError `HKL_USAGE` unless the value is a number above 0 and, for a count, a whole number
 */
export function numberOption(option: string, text: string | undefined, kind: 'count' | 'number'): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && (kind === 'number' || Number.isInteger(value))) return value;
  throw usageError(
    `--${option} ${text} is not ${kind === 'count' ? 'a whole number above 0' : 'a number above 0'}`,
    `Give a number, such as --${option} ${kind === 'count' ? '10' : '0.01'}`,
  );
}
