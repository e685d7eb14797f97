import type { AffineMatrix } from './transform.ts';
import type { Image } from './image.ts';
import { packColors } from './words.ts';

/** Weights are fixed-point numbers in units of 2^-11, so that four products of two weights and a byte fit into 31 bits. */
export const SHARE_BITS = 11;
/** The weight 1. */
export const WHOLE = 1 << SHARE_BITS;
/** Half of a product of two weights of 1, for rounding. */
export const HALF = 1 << (2 * SHARE_BITS - 1);

/** Columns of the new image that lie inside the old one, with the two old pixels that each is interpolated from. */
interface Columns {
  readonly first: number;
  readonly end: number;
  /** The left one of the two pixels, for each column from the first. */
  readonly lefts: Int32Array;
  /** The weight of the right one. */
  readonly rights: Int32Array;
}

/**
 * Does the same as `sampleBilinear` for bytes without rotation or shear. The columns are then the same in each row, so each old
 * row is resampled to the new columns once, and new rows are interpolated from two of these. Rounding happens only at the end, so
 * the order does not change the result.
 */
export function scaleBytes(from: Image<Uint8Array>, to: Image<Uint8Array>, matrix: AffineMatrix): void {
  const { height, channels } = from;
  const [a, , c, , e, f] = matrix;
  const columns = placeColumns(from.width, to.width, a, c);
  const length = (columns.end - columns.first) * channels;
  if (length === 0) return;
  const pixels = channels === 3 ? packColors(from.data) : undefined;
  // Two buffers are enough: one for even rows and one for odd rows.
  const rows = [0, 1].map(() => ({ y: -1, values: new Int32Array(Math.ceil(length / 4) * 4) }));
  const rowAt = (y: number): Int32Array => {
    const row = rows[y & 1] as (typeof rows)[number];
    if (row.y === y) return row.values;
    row.y = y;
    if (pixels !== undefined) mixColors(pixels, y * from.width, row.values, columns);
    else mixChannels(from, y, row.values, columns);
    return row.values;
  };
  // A row is computed as words and then copied, because the target's rows may not be word-aligned.
  const words = new Int32Array(Math.ceil(length / 4));
  const bytes = new Uint8Array(words.buffer, 0, length);
  for (let newY = 0; newY < to.height; newY++) {
    const y = e * (newY + 0.5) + f - 0.5;
    if (y < -0.5 || y >= height - 0.5) continue;
    const clamped = Math.min(Math.max(y, 0), height - 1);
    const top = Math.floor(clamped);
    const bottom = ((clamped - top) * WHOLE) | 0;
    mixRows(rowAt(top), rowAt(Math.min(top + 1, height - 1)), bottom, words);
    to.data.set(bytes, (newY * to.width + columns.first) * channels);
  }
}

function placeColumns(width: number, newWidth: number, step: number, start: number): Columns {
  const [lefts, rights] = [new Int32Array(newWidth), new Int32Array(newWidth)];
  let [first, end] = [0, 0];
  for (let column = 0; column < newWidth; column++) {
    const x = step * (column + 0.5) + start - 0.5;
    if (x < -0.5 || x >= width - 0.5) continue;
    if (end === 0) first = column;
    end = column + 1;
    const clamped = Math.min(Math.max(x, 0), width - 1);
    const left = Math.floor(clamped);
    lefts[column - first] = left;
    rights[column - first] = (clamped - left) * WHOLE;
  }
  return { first, end, lefts, rights };
}

/** Resamples a row of packed colours to the new columns. The last pixel's right neighbour is in another row; its weight is 0. */
function mixColors(pixels: Int32Array, start: number, row: Int32Array, { first, end, lefts, rights }: Columns): void {
  for (let column = 0, at = 0; column < end - first; column++, at += 3) {
    const left = start + (lefts[column] as number);
    const share = rights[column] as number;
    const rest = WHOLE - share;
    const [pixel, next] = [pixels[left] as number, pixels[left + 1] as number];
    row[at] = Math.imul(pixel & 0xff, rest) + Math.imul(next & 0xff, share);
    row[at + 1] = Math.imul((pixel >> 8) & 0xff, rest) + Math.imul((next >> 8) & 0xff, share);
    row[at + 2] = Math.imul(pixel >> 16, rest) + Math.imul(next >> 16, share);
  }
}

function mixChannels(from: Image<Uint8Array>, y: number, row: Int32Array, columns: Columns): void {
  const { data, width, channels } = from;
  const { first, end, lefts, rights } = columns;
  let at = 0;
  for (let column = 0; column < end - first; column++) {
    const left = (y * width + (lefts[column] as number)) * channels;
    const share = rights[column] as number;
    const next = share === 0 ? 0 : channels;
    for (let channel = 0; channel < channels; channel++) {
      const value = data[left + channel] as number;
      row[at++] = (value << SHARE_BITS) + Math.imul(share, (data[left + next + channel] as number) - value);
    }
  }
}

/** Interpolates two rows and packs the result into bytes, four at a time. */
function mixRows(above: Int32Array, below: Int32Array, share: number, words: Int32Array): void {
  const rest = WHOLE - share;
  for (let word = 0, at = 0; word < words.length; word++, at += 4) {
    const first = Math.imul(above[at] as number, rest) + Math.imul(below[at] as number, share) + HALF;
    const second = Math.imul(above[at + 1] as number, rest) + Math.imul(below[at + 1] as number, share) + HALF;
    const third = Math.imul(above[at + 2] as number, rest) + Math.imul(below[at + 2] as number, share) + HALF;
    const fourth = Math.imul(above[at + 3] as number, rest) + Math.imul(below[at + 3] as number, share) + HALF;
    const shift = 2 * SHARE_BITS;
    words[word] = (first >> shift) | ((second >> shift) << 8) | ((third >> shift) << 16) | ((fourth >> shift) << 24);
  }
}
