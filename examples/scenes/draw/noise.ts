import { RandomStream } from 'hookline';
import type { Field } from './canvas.ts';

/**
 * Adds value noise: random numbers from -`strength` to `strength` at the corners of cells, with smooth interpolation
 * between them.
 *
 * @param cell side of the cells in pixels; small cells make fine noise
 */
export function addNoise({ data, width, height }: Field, cell: number, strength: number, random: RandomStream): void {
  const columns = Math.ceil(width / cell) + 2;
  const rows = Math.ceil(height / cell) + 2;
  const corners = Float32Array.from({ length: columns * rows }, () => (random.float() * 2 - 1) * strength);
  const weights = Array.from({ length: width }, (_, x) => weightAt(x, cell));
  const corner = Int32Array.from(weights, ([column]) => column);
  const share = Float32Array.from(weights, ([, part]) => part);
  const line = new Float32Array(columns + 1);
  for (let y = 0; y < height; y++) {
    const [row, down] = weightAt(y, cell);
    for (let column = 0; column < columns; column++) {
      const above = corners[row * columns + column] as number;
      const below = corners[(row + 1) * columns + column] as number;
      line[column] = above + (below - above) * down;
    }
    for (let x = 0, pixel = y * width; x < width; x++, pixel++) {
      const column = corner[x] as number;
      const left = line[column] as number;
      const right = line[column + 1] as number;
      data[pixel] = (data[pixel] as number) + left + (right - left) * (share[x] as number);
    }
  }
}

/** Adds fractal noise: each octave has half the cell size and half the strength of the one before. The sum is within -1 and 1. */
export function addFractalNoise(field: Field, cell: number, octaves: number, random: RandomStream): void {
  for (let octave = 0; octave < octaves; octave++) addNoise(field, cell / 2 ** octave, 0.5 ** (octave + 1), random);
}

function weightAt(position: number, cell: number): [corner: number, share: number] {
  const corner = Math.floor(position / cell);
  const share = position / cell - corner;
  return [corner, share * share * (3 - 2 * share)];
}

/** Side of the tile of grain in pixels; a power of two. */
const TILE = 128;

let tile: Float32Array | undefined;

/** Film grain: a standard normal number for each pixel. All pictures share one tile. */
export function grain(x: number, y: number): number {
  tile ??= makeTile();
  return tile[(y & (TILE - 1)) * TILE + (x & (TILE - 1))] as number;
}

function makeTile(): Float32Array {
  const random = new RandomStream(0, 'grain');
  return Float32Array.from({ length: TILE * TILE }, () => random.normal());
}
