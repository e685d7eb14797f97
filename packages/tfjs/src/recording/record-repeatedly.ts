import { compareRecords } from './compare-records.ts';
import type { GraphRecord } from '../graph/graph-record.ts';

/** A recorded step or prediction. */
export interface Recording {
  readonly record: GraphRecord;
  /** Whether it made variables, which exist at the start of the next recording. */
  readonly madeVariables: boolean;
  /** Frees the handles that it holds of tensors from outside of the step. */
  free(): void;
  /** Empties the fields of layers that were empty before the recording and hold tensors after it. */
  readonly forget?: () => void;
}

/** A recording that made variables is replaced by a new one, up to this many recordings before the comparisons begin. */
const WARM_UPS = 3;
/** A step or prediction is recorded twice, and up to this many times while that takes less than `RECORDING_TIME`. */
const MOST_RECORDINGS = 6;
/** In milliseconds, for all recordings together. */
const RECORDING_TIME = 250;
/** The milliseconds by which a compared recording advances the clock, so that a step that uses the time is recorded differently. */
export const CLOCK_SHIFT = 100_003_007;

/**
 * Records several times and compares the recordings, so that a random number or a counter of the host is found before a graph
 * uses it.
 *
 * @param record makes a recording, with the clock advanced by the given milliseconds
 * @returns the last recording
 * @throws HooklineError `HKL_CAPTURE_...` where two recordings differ
 */
export function recordRepeatedly<R extends Recording>(record: (clock?: number) => R): R {
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
    // The step may make variables the first time it runs; record again until it makes none.
    for (let attempt = 1; kept.madeVariables && attempt < WARM_UPS; attempt++) replace(next());
    for (let count = 1; count < MOST_RECORDINGS; count++) {
      if (count > 1 && performance.now() - start > RECORDING_TIME) break;
      const again = next(CLOCK_SHIFT * count);
      const difference = compareRecords(kept.record, again.record);
      // Keep the later recording, in which a tensor that the step or the model keeps comes from outside of the step.
      replace(again);
      if (difference !== undefined) throw difference;
    }
    return kept;
  } catch (error) {
    kept.free();
    // The step may run eagerly now, and must find every field as it was before the recordings.
    for (const forget of forgets) forget();
    throw error;
  }
}
