/** One measured quantity over several rounds. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** `ms`, `us`, `MB`, `1/s`, ... */
  readonly unit: string;
  /** How many rounds the median is over. */
  readonly runs: number;
}

/**
 * Summarises samples of one quantity.
 *
 * @throws RangeError for no samples, and for one that is not a finite number
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

/** The middle value; the mean of the two middle ones for an even number. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}
