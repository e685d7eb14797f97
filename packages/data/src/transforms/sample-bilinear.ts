import type { Image } from './image.ts';

/** The matrix [[a, b, c], [d, e, f]]: x' = a x + b y + c, y' = d x + e y + f, on edges, not on centres of pixels. */
export type AffineMatrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Shares of a pixel are counted in 2^-11, so that four products of two shares and a byte fit into 31 bits. */
const SHARE_BITS = 11;
const WHOLE = 1 << SHARE_BITS;
const HALF = 1 << (2 * SHARE_BITS - 1);

/**
 * Fills `to` where its pixels' centres lie inside of `from`; the rest keeps its value. `matrix` leads from positions in
 * `to` to those in `from`.
 */
export function sampleBilinear(from: Image, to: Image, matrix: AffineMatrix): void {
  const { data: source } = from;
  const { data: target } = to;
  if (source instanceof Float32Array || target instanceof Float32Array) sampleFloats(from, to, matrix);
  else if (matrix[1] === 0 && matrix[3] === 0) scaleBytes(source, from, target, to, matrix);
  else sampleBytes(source, from, target, to, matrix);
}

/** The columns, first and beyond the last, of row `y` of `to` whose centres lie inside of `from`. */
function span({ width, height }: Image, to: Image, matrix: AffineMatrix, y: number): [first: number, end: number] {
  const [a, b, c, d, e, f] = matrix;
  let [first, end] = [0, to.width];
  for (const [step, start, limit] of [
    [a, a * 0.5 + b * (y + 0.5) + c, width],
    [d, d * 0.5 + e * (y + 0.5) + f, height],
  ] as const) {
    if (step === 0) {
      if (start < 0 || start >= limit) return [0, 0];
      continue;
    }
    const [low, high] = step > 0 ? [-start / step, (limit - start) / step] : [(limit - start) / step, -start / step];
    first = Math.max(first, Math.ceil(low));
    end = Math.min(end, Math.ceil(high));
  }
  return [first, Math.max(first, end)];
}

function sampleBytes(source: Uint8Array, from: Image, target: Uint8Array, to: Image, matrix: AffineMatrix): void {
  const { width, height, channels } = from;
  const [a, b, c, d, e, f] = matrix;
  const [lastX, lastY] = [width - 1, height - 1];
  const row = width * channels;
  for (let newY = 0; newY < to.height; newY++) {
    const [first, end] = span(from, to, matrix, newY);
    const x = a * 0.5 + b * (newY + 0.5) + c - 0.5;
    const y = d * 0.5 + e * (newY + 0.5) + f - 0.5;
    let at = (newY * to.width + first) * channels;
    for (let newX = first; newX < end; newX++) {
      const atX = x + a * newX;
      const atY = y + d * newX;
      const clampedX = atX < 0 ? 0 : atX > lastX ? lastX : atX;
      const clampedY = atY < 0 ? 0 : atY > lastY ? lastY : atY;
      const left = clampedX | 0;
      const top = clampedY | 0;
      const right = ((clampedX - left) * WHOLE) | 0;
      const bottom = ((clampedY - top) * WHOLE) | 0;
      let upperLeft = (top * row + left * channels) | 0;
      let lowerLeft = top < lastY ? (upperLeft + row) | 0 : upperLeft;
      const next = left < lastX ? channels : 0;
      const w11 = Math.imul(right, bottom);
      const w01 = (right << SHARE_BITS) - w11;
      const w10 = (bottom << SHARE_BITS) - w11;
      const w00 = (1 << (2 * SHARE_BITS)) - w01 - w10 - w11;
      for (const stop = (at + channels) | 0; at < stop; at++, upperLeft++, lowerLeft++) {
        const sum =
          Math.imul(w00, source[upperLeft] as number) +
          Math.imul(w01, source[upperLeft + next] as number) +
          Math.imul(w10, source[lowerLeft] as number) +
          Math.imul(w11, source[lowerLeft + next] as number);
        target[at] = (sum + HALF) >> (2 * SHARE_BITS);
      }
    }
  }
}

/** As `sampleBytes`, without rotation or shear: rows are mixed first, and columns are the same in each row. */
function scaleBytes(source: Uint8Array, from: Image, target: Uint8Array, to: Image, matrix: AffineMatrix): void {
  const { width, height, channels } = from;
  const [a, , c, , e, f] = matrix;
  const row = width * channels;
  const columns = Array.from({ length: to.width }, (_, x) => a * (x + 0.5) + c - 0.5);
  const first = columns.findIndex((x) => x >= -0.5 && x < width - 0.5);
  const end = columns.findLastIndex((x) => x >= -0.5 && x < width - 0.5) + 1;
  if (first < 0) return;
  const inside = columns.map((x) => Math.min(Math.max(x, 0), width - 1));
  const lefts = Int32Array.from(inside, (x) => Math.floor(x) * channels);
  const rights = Int32Array.from(inside, (x) => (x - Math.floor(x)) * WHOLE);
  // One pixel more, so that the last column has a neighbour, whose share is 0.
  const mixed = new Int32Array(row + channels);
  for (let newY = 0; newY < to.height; newY++) {
    const y = e * (newY + 0.5) + f - 0.5;
    if (y < -0.5 || y >= height - 0.5) continue;
    const clamped = Math.min(Math.max(y, 0), height - 1);
    const top = Math.floor(clamped);
    const bottom = ((clamped - top) * WHOLE) | 0;
    const upper = top * row;
    const lower = top < height - 1 ? upper + row : upper;
    for (let at = 0; at < row; at++) {
      const above = source[upper + at] as number;
      mixed[at] = (above << SHARE_BITS) + Math.imul(bottom, (source[lower + at] as number) - above);
    }
    mixColumns(mixed, target, (newY * to.width + first) * channels, lefts, rights, first, end, channels);
  }
}

/** Fills a row of the target from `start` on; its own function, since engines optimise a small loop best. */
function mixColumns(
  mixed: Int32Array,
  target: Uint8Array,
  start: number,
  lefts: Int32Array,
  rights: Int32Array,
  first: number,
  end: number,
  channels: number,
): void {
  let at = start | 0;
  for (let newX = first; newX < end; newX++) {
    const right = rights[newX] as number;
    let left = lefts[newX] as number;
    if (channels === 3) {
      // Unrolled: colour is the usual case, and a loop of three costs as much as its body.
      const [red, green, blue] = [mixed[left] as number, mixed[left + 1] as number, mixed[left + 2] as number];
      target[at] =
        ((red << SHARE_BITS) + Math.imul(right, (mixed[left + 3] as number) - red) + HALF) >> (2 * SHARE_BITS);
      target[at + 1] =
        ((green << SHARE_BITS) + Math.imul(right, (mixed[left + 4] as number) - green) + HALF) >> (2 * SHARE_BITS);
      target[at + 2] =
        ((blue << SHARE_BITS) + Math.imul(right, (mixed[left + 5] as number) - blue) + HALF) >> (2 * SHARE_BITS);
      at += 3;
      continue;
    }
    for (const stop = left + channels; left < stop; left++) {
      const value = mixed[left] as number;
      const change = Math.imul(right, (mixed[left + channels] as number) - value);
      target[at++] = ((value << SHARE_BITS) + change + HALF) >> (2 * SHARE_BITS);
    }
  }
}

function sampleFloats(from: Image, to: Image, matrix: AffineMatrix): void {
  const { width, height, channels, data: source } = from;
  const target = to.data;
  const [a, b, c, d, e, f] = matrix;
  const [lastX, lastY] = [width - 1, height - 1];
  const row = width * channels;
  for (let newY = 0; newY < to.height; newY++) {
    const [first, end] = span(from, to, matrix, newY);
    const x = a * 0.5 + b * (newY + 0.5) + c - 0.5;
    const y = d * 0.5 + e * (newY + 0.5) + f - 0.5;
    let at = (newY * to.width + first) * channels;
    for (let newX = first; newX < end; newX++) {
      const atX = Math.min(Math.max(x + a * newX, 0), lastX);
      const atY = Math.min(Math.max(y + d * newX, 0), lastY);
      const left = Math.floor(atX);
      const top = Math.floor(atY);
      const [right, bottom] = [atX - left, atY - top];
      const upper = top * row + left * channels;
      const lower = top < lastY ? upper + row : upper;
      const next = left < lastX ? channels : 0;
      for (let channel = 0; channel < channels; channel++, at++) {
        const above =
          (source[upper + channel] as number) * (1 - right) + (source[upper + next + channel] as number) * right;
        const below =
          (source[lower + channel] as number) * (1 - right) + (source[lower + next + channel] as number) * right;
        target[at] = above * (1 - bottom) + below * bottom;
      }
    }
  }
}
