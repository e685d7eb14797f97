import { compareRecords } from './compare-records.ts';
import type { GraphRecord } from '../graph/graph-record.ts';

/** A recorded step or prediction. */
export interface Recording {
  readonly record: GraphRecord;
  /** Whether it made variables; the next recording begins with them. */
  readonly madeVariables: boolean;
  /** Frees what it holds of tensors from outside of it. */
  free(): void;
  /** Empties fields of layers that it has filled with tensors. */
  readonly forget?: () => void;
}

/** How many recordings may go by until all variables that are wanted have been made. */
const WARM_UPS = 3;
/** A step or prediction is recorded at least twice; up to so often while that takes less than so many milliseconds in all. */
const MOST_RECORDINGS = 6;
const RECORDING_TIME = 250;
/** By how many milliseconds the clock is put forward in a recording that is compared: whoever uses the time shows itself. */
export const CLOCK_SHIFT = 100_003_007;

/**
 * Records several times: what the host draws anew each time, or counts, shows before it is used.
 *
 * @param record makes a recording with the clock put forward by some milliseconds
 * @throws HooklineError `HKL_CAPTURE_...` where two recordings differ
 */
export function recordAlike<R extends Recording>(record: (clock?: number) => R): R {
  const start = performance.now();
  const forgets: (() => void)[] = [];
  const next = (clock?: number): R => {
    const recorded = record(clock);
    if (recorded.forget !== undefined) forgets.push(recorded.forget);
    return recorded;
  };
  let kept = next();
  const replace = (other: R): void => {
    kept.free();
    kept = other;
  };
  try {
    // What is made the first time, such as a variable of its own, is there the second time.
    for (let attempt = 1; kept.madeVariables && attempt < WARM_UPS; attempt++) replace(next());
    for (let count = 1; count < MOST_RECORDINGS; count++) {
      if (count > 1 && performance.now() - start > RECORDING_TIME) break;
      const again = next(CLOCK_SHIFT * count);
      const difference = compareRecords(kept.record, again.record);
      // The later one: a tensor that the step or the model keeps is one from outside by then.
      replace(again);
      if (difference !== undefined) throw difference;
    }
    return kept;
  } catch (error) {
    kept.free();
    // It will run eagerly, and shall find everything as it was.
    for (const forget of forgets) forget();
    throw error;
  }
}
