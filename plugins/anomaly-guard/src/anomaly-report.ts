import { type OutputFolder, writeFileAtomically } from '@hookline/core';

/** The report of an anomaly. */
export interface AnomalyReport {
  readonly iteration: number;
  readonly kind: 'loss' | 'gradients' | 'spike';
  /** The reaction to it, such as `skip`. */
  readonly action: string;
  readonly message: string;
  /** The losses before the anomaly, the newest last. */
  readonly recentLosses: readonly number[];
  readonly medianLoss: number;
  /** Number of successive skipped steps, including this one. */
  readonly skippedInARow: number;
  /** Variables whose gradients were not finite. */
  readonly gradients?: readonly string[];
}

/**
 * Writes a report into the folder `anomalies` of the run, as JSON; NaN and infinite numbers become strings.
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
