import { writeFileAtomically } from '@hookline/core';
import { curveCsv } from './curve-csv.ts';
import { curveSvg } from './curve-svg.ts';
import type { RangeTest } from './range-test.ts';

/**
 * Writes the curve of a range test as `lr-finder.svg` and `lr-finder.csv`, in place of those of an earlier test.
 *
 * @param fileIn gives the path of a file by its name, its folder made
 * @returns the paths
 */
export async function writeRangeTest(test: RangeTest, fileIn: (name: string) => Promise<string>): Promise<string[]> {
  const [svg, csv] = [await fileIn('lr-finder.svg'), await fileIn('lr-finder.csv')];
  await writeFileAtomically(svg, curveSvg(test));
  await writeFileAtomically(csv, curveCsv(test.points));
  return [svg, csv];
}
