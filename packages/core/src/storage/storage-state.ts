import { HooklineError } from '../errors.ts';
import type { HistoryState } from './history-buffer.ts';

/** How many of the newest values of each scalar survive a resume: what smoothing and time estimates look at. */
export const STATE_WINDOW = 1000;

/** The histories of a storage, by scalar; plain data, in which numbers may be NaN or infinite. */
export interface EventStorageState {
  readonly scalars: Readonly<Record<string, HistoryState & { readonly smoothing: boolean }>>;
}

/**
 * The scalars of a state, checked.
 * @throws HKL_STORAGE_STATE when `state` is not what `EventStorage.state()` gave
 */
export function checkedScalars(state: EventStorageState): [string, HistoryState & { readonly smoothing: boolean }][] {
  const given: unknown = (state as Partial<EventStorageState> | null | undefined)?.scalars;
  const scalars = Object.entries((given ?? {}) as EventStorageState['scalars']);
  const wrong = scalars.find(([, scalar]) => !isHistory(scalar));
  if (typeof given === 'object' && given !== null && wrong === undefined) return scalars;
  throw new HooklineError('HKL_STORAGE_STATE', 'this is no state of an event storage', {
    who: 'event storage',
    ...(wrong === undefined ? {} : { where: `scalar "${wrong[0]}"` }),
    fix: 'Restore what state() gave, with NaN and infinities intact',
  });
}

function isHistory(given: unknown): boolean {
  const { count, mean, values, iterations, smoothing } = (given ?? {}) as Partial<Record<string, unknown>>;
  return (
    typeof smoothing === 'boolean' &&
    typeof mean === 'number' &&
    isNumbers(values) &&
    isNumbers(iterations) &&
    values.length === iterations.length &&
    Number.isSafeInteger(count) &&
    (count as number) >= values.length
  );
}

function isNumbers(given: unknown): given is number[] {
  return Array.isArray(given) && given.every((number) => typeof number === 'number');
}
