import type { RangePoint } from './range-test.ts';

/** The points of a range test as CSV, one per line. */
export const curveCsv = (points: readonly RangePoint[]): string =>
  ['rate,loss,smoothed', ...points.map(({ rate, loss, smoothed }) => [rate, loss, smoothed].join())].join('\n') + '\n';
