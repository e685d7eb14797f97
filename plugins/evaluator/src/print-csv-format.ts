import type { Results } from '@hookline/core';

/**
 * Logs results in lines that can be pasted into a spreadsheet: for each task its name, the names of the metrics, and their values with
 * four decimals. Metrics whose name contains a "-", such as those per class, are left out.
 *
 * @example
 * printCsvFormat({ bbox: { AP: 0.4, AP50: 0.6 } }, (line) => logger.info(line));
 * // copypaste: Task: bbox
 * // copypaste: AP,AP50
 * // copypaste: 0.4000,0.6000
 */
export function printCsvFormat(results: Results, log: (line: string) => void): void {
  for (const [task, value] of Object.entries(results)) {
    if (typeof value === 'number') {
      log(`copypaste: ${task}=${value}`);
      continue;
    }
    const metrics = Object.entries(value).filter(([name, metric]) => typeof metric === 'number' && !name.includes('-'));
    log(`copypaste: Task: ${task}`);
    log(`copypaste: ${metrics.map(([name]) => name).join(',')}`);
    log(`copypaste: ${metrics.map(([, metric]) => (metric as number).toFixed(4)).join(',')}`);
  }
}
