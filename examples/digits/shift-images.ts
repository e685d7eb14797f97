import type { ArrayBatch, RandomStream } from 'hookline';
import { SIDE } from './draw-digits.ts';
import type { digitFields } from './load-digits.ts';

const REACH = 2;

/** Shifts each image of a batch in place by up to two pixels in each direction. Uncovered pixels become black. */
export function shiftImages({ image }: ArrayBatch<ReturnType<typeof digitFields>>, random: RandomStream): void {
  const size = SIDE * SIDE;
  for (let start = 0; start < image.data.length; start += size) {
    const [dx, dy] = [random.int(2 * REACH + 1) - REACH, random.int(2 * REACH + 1) - REACH];
    const original = image.data.slice(start, start + size);
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const [fromX, fromY] = [x - dx, y - dy];
        const isInside = fromX >= 0 && fromX < SIDE && fromY >= 0 && fromY < SIDE;
        image.data[start + y * SIDE + x] = isInside ? (original[fromY * SIDE + fromX] ?? 0) : 0;
      }
    }
  }
}
