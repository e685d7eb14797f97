import type { Logger } from '@hookline/core';

/** As long as lines get, in characters. */
const WIDEST = 78;
const CLASS = 'AP-';

/**
 * Logs the AP of each class (detectron2's table per category), in columns from left to right.
 *
 * @param results of one task; those called `AP-name` are of classes
 */
export function logClasses(
  logger: Pick<Logger, 'info'> | undefined,
  task: string,
  results: Readonly<Record<string, number>>,
): void {
  const cells = Object.entries(results)
    .filter(([name]) => name.startsWith(CLASS))
    .map(([name, value]) => ({ name: name.slice(CLASS.length), value: value.toFixed(1) }));
  if (cells.length === 0) return;
  const [longest, digits] = [
    Math.max(...cells.map(({ name }) => name.length)),
    Math.max(...cells.map(({ value }) => value.length)),
  ];
  const columns = Math.max(1, Math.floor(WIDEST / (longest + digits + 4)));
  const rows: string[] = [];
  for (let from = 0; from < cells.length; from += columns) {
    const row = cells.slice(from, from + columns);
    rows.push(row.map(({ name, value }) => `  ${name.padEnd(longest)} ${value.padStart(digits)}`).join(' '));
  }
  logger?.info(`AP of each class (${task}):\n${rows.join('\n')}`);
}
