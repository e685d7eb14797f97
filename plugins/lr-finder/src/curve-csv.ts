import type { RangePoint } from './range-test.ts';

/** The points of a range test, a line each. */
export const curveCsv = (points: readonly RangePoint[]): string =>
  ['rate,loss,smoothed', ...points.map(({ rate, loss, smoothed }) => [rate, loss, smoothed].join())].join('\n') + '\n';
