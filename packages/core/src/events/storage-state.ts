import { HooklineError } from '../errors.ts';
import { isPlainObject } from '../plain-object.ts';
import type { HistoryState } from './history-buffer.ts';

/** How many of the newest values of each scalar a checkpoint keeps: as many as smoothing and time estimates need. */
export const STATE_WINDOW = 1000;

/** The histories of a storage, by scalar; plain data, in which numbers may be NaN or infinite. */
export interface EventStorageState {
  readonly scalars: Readonly<Record<string, HistoryState & { readonly smoothing: boolean }>>;
}

/** The histories without the values of `iteration` at their end. Scalars that have no other values are left out. */
export function withoutIteration({ scalars }: EventStorageState, iteration: number): EventStorageState {
  const kept = Object.entries(scalars).flatMap(([name, scalar]): [string, (typeof scalars)[string]][] => {
    let { count, mean } = scalar;
    let length = scalar.values.length;
    for (; length > 0 && scalar.iterations[length - 1] === iteration; length--) {
      mean = count > 1 ? (mean * count - (scalar.values[length - 1] ?? 0)) / (count - 1) : 0;
      count--;
    }
    if (length === scalar.values.length) return [[name, scalar]];
    if (count === 0) return [];
    const { values, iterations } = scalar;
    return [
      [name, { ...scalar, count, mean, values: values.slice(0, length), iterations: iterations.slice(0, length) }],
    ];
  });
  return { scalars: Object.fromEntries(kept) };
}

/**
 * Checks the histories of a storage.
 * @throws HKL_STORAGE_STATE, with the field, when `state` is not what `EventStorage.state()` gave
 */
export function checkedHistories(state: unknown): EventStorageState {
  const { scalars } = (isPlainObject(state) ? state : {}) as { readonly scalars?: unknown };
  if (!isPlainObject(scalars)) throw invalidState('scalars');
  return { scalars: Object.fromEntries(Object.entries(scalars).map(([name, given]) => [name, checked(name, given)])) };
}

function checked(scalar: string, given: unknown): EventStorageState['scalars'][string] {
  const invalid = (field: string): HooklineError => invalidState(`scalars.${scalar}${field}`);
  if (!isPlainObject(given)) throw invalid('');
  const { count, mean, values, iterations, smoothing } = given;
  if (typeof smoothing !== 'boolean') throw invalid('.smoothing');
  if (!isNumbers(values)) throw invalid('.values');
  if (!isNumbers(iterations) || !iterations.every((iteration) => Number.isSafeInteger(iteration)))
    throw invalid('.iterations');
  if (iterations.length !== values.length) throw invalid('.values" and "iterations');
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < values.length) throw invalid('.count');
  if (typeof mean !== 'number') throw invalid('.mean');
  return { count, mean, values, iterations, smoothing };
}

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((number) => typeof number === 'number');

function invalidState(field: string): HooklineError {
  return new HooklineError('HKL_STORAGE_STATE', 'this is no state of an event storage', {
    who: 'event storage',
    where: `field "${field}"`,
    fix: 'Restore what state() gave, with NaN and infinities intact',
  });
}
