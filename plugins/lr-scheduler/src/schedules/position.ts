/** The point at which a schedule is evaluated. Numbers are in iterations; within a part of a run they may be fractions. */
export interface Position {
  /** Iteration from 0, within the part of the run that the schedule covers. */
  readonly iteration: number;
  /** Length of that part. */
  readonly total: number;
  /** Length of the whole run. */
  readonly maxIterations: number;
}

/** A function that returns the factor of the base learning rate. */
export type Factor = (position: Position) => number;

/** Completed share of the part, from 0 to 1; detectron2's w. A part with length 0 is complete. */
export function progress({ iteration, total }: Position): number {
  return total > 0 ? Math.min(1, iteration / total) : 1;
}

/**
 * The number of completed units, if the part has `units` equal units.
 *
 * Multiplying before dividing keeps it exact for whole iterations: a share ends at its iteration and never before, also
 * in runs of millions of iterations. The tolerance, a few units in the last place, is for parts of fractional length.
 */
export function unitsDone({ iteration, total }: Position, units: number): number {
  if (total <= 0) return units;
  return Math.min(units, Math.floor(((iteration * units) / total) * (1 + 8 * Number.EPSILON)));
}

/**
 * The length of `iterations` of the whole run within the part. A part runs its whole schedule, so everything in it
 * is compressed: in half of the run, a warm-up of 100 iterations takes 50, and a milestone at 80 comes after 40.
 */
export function compressed(iterations: number, { total, maxIterations }: Position): number {
  // Multiplying before dividing keeps it exact for a schedule that has the whole run.
  return total === maxIterations || maxIterations <= 0 ? iterations : (iterations * total) / maxIterations;
}

/** A share of `total` in iterations. If it misses a whole number only by a rounding error, it is that number: 0.1 + 0.2 of 100 is 30. */
export function shareOf(total: number, share: number): number {
  const length = share * total;
  const whole = Math.round(length);
  return Math.abs(length - whole) <= 1e-9 * Math.max(1, total) ? whole : length;
}
