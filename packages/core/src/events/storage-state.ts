import { HooklineError } from '../errors.ts';
import type { HistoryState } from './history-buffer.ts';

/** How many of the newest values of each scalar survive a resume: what smoothing and time estimates look at. */
export const STATE_WINDOW = 1000;

/** The histories of a storage, by scalar; plain data, in which numbers may be NaN or infinite. */
export interface EventStorageState {
  readonly scalars: Readonly<Record<string, HistoryState & { readonly smoothing: boolean }>>;
}

/** The histories without what was put last for `iteration`; scalars of which nothing is left are left out. */
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
 * The scalars of a state, checked.
 * @throws HKL_STORAGE_STATE when `state` is not what `EventStorage.state()` gave
 */
export function checkedScalars(state: EventStorageState): [string, HistoryState & { readonly smoothing: boolean }][] {
  const given: unknown = (state as Partial<EventStorageState> | null | undefined)?.scalars;
  const isTable = typeof given === 'object' && given !== null && !Array.isArray(given);
  const scalars = isTable ? Object.entries(given as EventStorageState['scalars']) : [];
  let field = isTable ? undefined : 'scalars';
  for (const [name, scalar] of scalars) {
    const fault = faultOf(scalar);
    if (fault !== undefined) field ??= `scalars.${name}${fault === '' ? '' : `.${fault}`}`;
  }
  if (field === undefined) return scalars;
  throw new HooklineError('HKL_STORAGE_STATE', 'this is no state of an event storage', {
    who: 'event storage',
    where: `field "${field}"`,
    fix: 'Restore what state() gave, with NaN and infinities intact',
  });
}

/** The first field of a history that is not what it should be; empty for the whole of it. */
function faultOf(given: unknown): string | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return '';
  const { count, mean, values, iterations, smoothing } = given as Partial<Record<string, unknown>>;
  if (typeof smoothing !== 'boolean') return 'smoothing';
  if (!isNumbers(values)) return 'values';
  if (!isNumbers(iterations) || !iterations.every((iteration) => Number.isSafeInteger(iteration))) return 'iterations';
  if (iterations.length !== values.length) return 'values" and "iterations';
  if (!Number.isSafeInteger(count) || (count as number) < values.length) return 'count';
  return typeof mean === 'number' ? undefined : 'mean';
}

function isNumbers(given: unknown): given is number[] {
  return Array.isArray(given) && given.every((number) => typeof number === 'number');
}
