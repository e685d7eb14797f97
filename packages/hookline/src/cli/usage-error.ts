import { HooklineError } from '@hookline/core';

/** An error for a wrong command line; the exit status is 2. */
export function usageError(what: string, fix: string, who = 'hookline'): HooklineError {
  return new HooklineError('HKL_USAGE', what, { who, fix });
}
