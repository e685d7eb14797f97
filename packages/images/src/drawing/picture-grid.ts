import type { Picture } from '../transforms/image.ts';
import { blankPicture, paste } from './canvas.ts';

const GAP = 6;
const GROUND = [24, 24, 24] as const;

/** Arranges pictures in a grid in one new picture; smaller ones are at the top left of their cell. */
export function pictureGrid(pictures: readonly Picture[], columns: number): Picture {
  const width = Math.max(0, ...pictures.map((picture) => picture.width));
  const height = Math.max(0, ...pictures.map((picture) => picture.height));
  const across = Math.max(1, Math.min(columns, pictures.length));
  const down = Math.ceil(pictures.length / across);
  const grid = blankPicture(across * (width + GAP) + GAP, down * (height + GAP) + GAP, GROUND);
  pictures.forEach((picture, place) => {
    const [column, row] = [place % across, Math.floor(place / across)];
    paste(grid, picture, GAP + column * (width + GAP), GAP + row * (height + GAP));
  });
  return grid;
}
