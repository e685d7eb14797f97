import { alignColumns } from '@hookline/core';
import type { SpanTotal } from './tap-times.ts';

/** Formats the times of some steps as a table: calls, self time, time per step and share, the most expensive first. */
export function timeTable(totals: readonly SpanTotal[], steps: number): string {
  const all = totals.reduce((sum, { self }) => sum + self, 0);
  const rows = [...totals]
    .sort((a, b) => b.self - a.self)
    .map(({ owner, part, calls, self }) => [
      owner,
      part,
      String(calls),
      self.toFixed(2),
      (self / steps).toFixed(3),
      `${all === 0 ? '0.0' : ((100 * self) / all).toFixed(1)} %`,
    ]);
  const table = [['who', 'what', 'calls', 'self ms', 'ms per step', 'share'], ...rows];
  const lines = alignColumns(table, (column) => column > 1);
  return [`Time of ${steps} steps, ${(all / steps).toFixed(3)} ms per step:`, ...lines].join('\n');
}
