import { HooklineError } from '@hookline/core';

/** A command line that cannot be understood: exit status 2. */
export function usageError(what: string, fix: string, who = 'hookline'): HooklineError {
  return new HooklineError('HKL_USAGE', what, { who, fix });
}
