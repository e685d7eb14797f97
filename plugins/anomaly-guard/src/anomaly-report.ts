import { type OutputFolder, writeFileAtomically } from '@hookline/core';

/** What is written about an anomaly. */
export interface AnomalyReport {
  readonly iteration: number;
  readonly kind: 'loss' | 'gradients' | 'spike';
  /** What was done about it. */
  readonly action: string;
  readonly message: string;
  /** The losses before, the newest last. */
  readonly recentLosses: readonly number[];
  readonly medianLoss: number;
  /** Steps skipped in a row, this one included. */
  readonly skippedInARow: number;
  /** Variables whose gradients were not finite. */
  readonly gradients?: readonly string[];
}

/**
 * Writes a report into the folder `anomalies` of the run, as JSON; numbers that JSON lacks become strings.
 *
 * @returns the path of the file
 */
export async function writeReport(output: OutputFolder, report: AnomalyReport): Promise<string> {
  const name = `${String(report.iteration).padStart(7, '0')}-${report.kind}.json`;
  const path = await output.file('anomalies', name);
  const printable = (_: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  await writeFileAtomically(path, `${JSON.stringify(report, printable, 2)}\n`);
  return path;
}
