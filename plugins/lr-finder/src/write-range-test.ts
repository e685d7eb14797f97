import { writeFileAtomically } from '@hookline/core';
import { curveSvg } from './curve-svg.ts';
import type { RangePoint, RangeTest } from './range-test.ts';

/**
 * Writes the curve of a range test to `lr-finder.svg` and `lr-finder.csv`, replacing those of an earlier test.
 *
 * @param fileIn returns the path for a file name, after creating the folder
 * @returns the paths of the two files
 */
export async function writeRangeTest(test: RangeTest, fileIn: (name: string) => Promise<string>): Promise<string[]> {
  const [svg, csv] = [await fileIn('lr-finder.svg'), await fileIn('lr-finder.csv')];
  await writeFileAtomically(svg, curveSvg(test));
  await writeFileAtomically(csv, curveCsv(test.points));
  return [svg, csv];
}

/** The points of a range test as CSV, one per line. */
const curveCsv = (points: readonly RangePoint[]): string =>
  ['rate,loss,smoothed', ...points.map(({ rate, loss, smoothed }) => [rate, loss, smoothed].join())].join('\n') + '\n';
