import type { Picture } from '../transforms/image.ts';
import { ResizeTransform } from '../transforms/resize-transform.ts';
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphOf } from './font.ts';

/** Red, green, blue, 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number];

/** A rectangle in pixels. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A picture filled with one color. */
export function blankPicture(width: number, height: number, [red, green, blue]: Color = [0, 0, 0]): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < data.length; at += 3) data.set([red, green, blue], at);
  return { data, width, height, channels: 3 };
}

/** Copies one picture into another, with its top left corner at x, y. */
export function paste(onto: Picture, picture: Picture, x: number, y: number): void {
  for (let row = 0; row < picture.height; row++) {
    const from = row * picture.width * 3;
    onto.data.set(picture.data.subarray(from, from + picture.width * 3), ((y + row) * onto.width + x) * 3);
  }
}

const GAP = 6;
const GROUND: Color = [24, 24, 24];

/**
 * Arranges pictures in a grid, row by row, in one new dark picture. Smaller pictures are at the top left of their cell.
 *
 * @param columns maximum number of pictures in a row
 */
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

/** Fills the part of a rectangle that lies within the picture. @param opacity from 0 to 1 */
export function fill(picture: Picture, { x, y, width, height }: Rectangle, color: Color, opacity = 1): void {
  const [left, right] = [Math.max(0, Math.round(x)), Math.min(picture.width, Math.round(x + width))];
  const [top, bottom] = [Math.max(0, Math.round(y)), Math.min(picture.height, Math.round(y + height))];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const at = (row * picture.width + column) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const old = picture.data[at + channel] as number;
        picture.data[at + channel] = Math.round(old + ((color[channel] as number) - old) * opacity);
      }
    }
  }
}

/** Draws the edges of a rectangle, `thickness` pixels inwards; with `dash`, as dashes of that length with equal gaps. */
export function outline(
  picture: Picture,
  { x, y, width, height }: Rectangle,
  color: Color,
  { thickness = 1, dash = Infinity }: { readonly thickness?: number; readonly dash?: number } = {},
): void {
  const pieces = (length: number, draw: (from: number, to: number) => void): void => {
    for (let from = 0; from < length; from += dash * 2) draw(from, Math.min(length, from + dash));
  };
  pieces(width, (from, to) => {
    fill(picture, { x: x + from, y, width: to - from, height: thickness }, color);
    fill(picture, { x: x + from, y: y + height - thickness, width: to - from, height: thickness }, color);
  });
  pieces(height, (from, to) => {
    fill(picture, { x, y: y + from, width: thickness, height: to - from }, color);
    fill(picture, { x: x + width - thickness, y: y + from, width: thickness, height: to - from }, color);
  });
}

/** Size of a text in pixels, with a margin of one font pixel. @param scale size of a font pixel in pixels */
export function textSize(text: string, scale: number): { readonly width: number; readonly height: number } {
  return { width: (text.length * (GLYPH_WIDTH + 1) + 1) * scale, height: (GLYPH_HEIGHT + 2) * scale };
}

/** Writes a text with its top left corner at x, y. @param scale size of a font pixel in pixels */
export function write(picture: Picture, text: string, x: number, y: number, color: Color, scale: number): void {
  Array.from(text).forEach((character, place) => {
    glyphOf(character).forEach((bits, row) => {
      for (let column = 0; column < GLYPH_WIDTH; column++) {
        if (((bits >> (GLYPH_WIDTH - 1 - column)) & 1) === 0) continue;
        const left = x + (1 + place * (GLYPH_WIDTH + 1) + column) * scale;
        fill(picture, { x: left, y: y + (1 + row) * scale, width: scale, height: scale }, color);
      }
    });
  });
}

/** Scales a picture by `factor`, rounded to whole pixels, with bilinear interpolation. */
export function enlarge(picture: Picture, factor: number): Picture {
  const [width, height] = [Math.round(picture.width * factor), Math.round(picture.height * factor)];
  const { data } = new ResizeTransform(picture.width, picture.height, width, height).applyImage(picture);
  return { data, width, height, channels: 3 };
}
