import type { Logger } from '@hookline/core';

/** Metrics of one task, times 100: at least COCO's first three, and with several classes the AP of each, as `AP-name`. */
export type Precisions = Record<'AP' | 'AP50' | 'AP75', number> & Record<string, number>;

/** Maximum length of a line, in characters. */
const WIDEST = 78;
const CLASS = 'AP-';

/**
 * Logs the precision of a detector, such as `bbox: AP 71.2, AP50 95.0, AP75 88.1`, and below it the AP of each class in columns,
 * like detectron2's per-category table.
 *
 * @param task key of the results, such as `bbox`
 */
export function logPrecision(
  logger: Pick<Logger, 'info'> | undefined,
  task: string,
  results: Readonly<Precisions>,
): void {
  const main = (['AP', 'AP50', 'AP75'] as const).map((name) => `${name} ${results[name].toFixed(1)}`).join(', ');
  const rows = classRows(results);
  logger?.info(`${task}: ${main}${rows.length === 0 ? '' : '; AP of each class:'}${rows.join('')}`);
}

function classRows(results: Readonly<Record<string, number>>): string[] {
  const cells = Object.entries(results)
    .filter(([name]) => name.startsWith(CLASS))
    .map(([name, value]) => ({ name: name.slice(CLASS.length), value: value.toFixed(1) }));
  const longest = Math.max(...cells.map(({ name }) => name.length));
  const digits = Math.max(...cells.map(({ value }) => value.length));
  const columns = Math.max(1, Math.floor(WIDEST / (longest + digits + 4)));
  const rows: string[] = [];
  for (let from = 0; from < cells.length; from += columns) {
    const row = cells.slice(from, from + columns);
    rows.push(row.map(({ name, value }) => `  ${name.padEnd(longest)} ${value.padStart(digits)}`).join(' '));
  }
  return rows.map((row) => `\n${row}`);
}

/** Warns that a detector found nothing at all, since its metrics alone do not tell that from wrong detections. */
export function warnNoDetections(logger: Pick<Logger, 'warn'> | undefined, images: number): void {
  logger?.warn(`the model detects nothing in ${images} images: no score reaches the threshold yet`);
}
