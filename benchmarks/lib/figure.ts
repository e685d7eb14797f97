/** A summary of one quantity, measured in several rounds. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** For example `ms`, `us`, `MB` or `1/s`. */
  readonly unit: string;
  /** Number of rounds. */
  readonly runs: number;
}

/**
 * Summarises samples of one quantity.
 *
 * @throws RangeError if there are no samples, or if one is not a finite number
 */
export function figure(samples: readonly number[], unit: string): Figure {
  const bad = samples.find((sample) => !Number.isFinite(sample));
  if (samples.length === 0) throw new RangeError('a figure needs at least one sample');
  if (bad !== undefined) throw new RangeError(`a sample is ${bad}`);
  return {
    median: median(samples),
    min: Math.min(...samples),
    max: Math.max(...samples),
    unit,
    runs: samples.length,
  };
}

/** The median: the middle value, or the mean of the two middle values of an even number. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}
