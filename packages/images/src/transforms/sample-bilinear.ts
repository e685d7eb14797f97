import type { AffineMatrix } from './transform.ts';
import type { Image } from './image.ts';
import { HALF, scaleBytes, SHARE_BITS, WHOLE } from './scale-bytes.ts';

/**
 * Samples `from` bilinearly into the pixels of `to` whose centres lie inside `from`; the others keep their values. `matrix` maps
 * positions in `to` to positions in `from`.
 */
export function sampleBilinear(from: Image, to: Image, matrix: AffineMatrix): void {
  const { data: source } = from;
  const { data: target } = to;
  if (source instanceof Float32Array || target instanceof Float32Array) sampleFloats(from, to, matrix);
  else if (matrix[1] === 0 && matrix[3] === 0) scaleBytes({ ...from, data: source }, { ...to, data: target }, matrix);
  else sampleBytes(source, from, target, to, matrix);
}

/** The columns of row `y` of `to` whose centres lie inside `from`: the first, and the one after the last. */
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
