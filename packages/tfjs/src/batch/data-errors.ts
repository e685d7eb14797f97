import { HooklineError, isHooklineError } from '@hookline/core';

/** The error for a value that is not iterable data. */
export function invalidDataError(value: unknown, what: string): HooklineError {
  const found = value === null ? 'null' : value instanceof Promise ? 'a promise' : typeof value;
  return new HooklineError('HKL_DATA_INVALID', `${what} is ${found}, which cannot be iterated`, {
    who: 'data',
    fix:
      value instanceof Promise
        ? 'Await it first: the promise of an iterator or of a dataset holds no batches'
        : 'Give an array of batches, an iterable, an async iterable, a tf.data dataset, or a function that returns one',
  });
}

/** The error for a pass without any batch. */
export const empty = (where: string): HooklineError =>
  new HooklineError('HKL_DATA_EMPTY', 'the data holds no batch', {
    who: 'data',
    where,
    fix: 'Look at its path and filters; with dropLast, a set smaller than one batch is empty',
  });

/** The error for null or undefined in place of a batch. */
export const nothing = (batch: unknown, where: string): HooklineError =>
  new HooklineError('HKL_BATCH_INVALID', `the data gave ${String(batch)} in the place of a batch`, {
    who: 'data',
    where,
    fix: 'Give tensors, or objects and arrays with tensors or { data, shape } in them; end the data by ending its iteration',
  });

/** The error for data that end before the training. */
export const exhausted = (where: string, batches: number): HooklineError =>
  new HooklineError('HKL_DATA_EXHAUSTED', `the data ended after ${batches} batches and training wants another`, {
    who: 'data',
    where,
    fix: 'Set repeat: true to begin again, or train for fewer iterations',
  });

/** The error for a position that the data do not have. */
export const misplaced = (fault: string): HooklineError =>
  new HooklineError('HKL_DATA_STATE', `this is no position in the data: ${fault}`, {
    who: 'data',
    fix: 'Restore what state() gave for the same data',
  });

/** The error for data that end before a restored position. */
export const beyondEnd = (where: string, wanted: number, found: number): HooklineError =>
  new HooklineError(
    'HKL_DATA_POSITION',
    `the checkpoint was saved after ${wanted} batches of a pass, and the data ended after ${found}`,
    {
      who: 'data',
      where,
      fix: 'Resume with the data of that run, or begin a new run from its weights',
    },
  );

/** The error for a generator that has ended. */
export const notRepeatable = (where: string): HooklineError =>
  new HooklineError(
    'HKL_DATA_NOT_REPEATABLE',
    'the data is a generator or an iterator that has ended; it cannot begin again',
    {
      who: 'data',
      where,
      fix: 'Give the generator function itself instead of what it returns (data: batches, not data: batches()), or the tf.data dataset instead of its iterator',
    },
  );

/** The error for a failure while reading a batch, with the position at which it occurred. */
export function failed(cause: unknown, where: string): unknown {
  if (isHooklineError(cause)) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HooklineError('HKL_DATA_FAILED', `reading a batch failed: ${reason}`, { who: 'data', where, cause });
}
