import { HooklineError } from '@hookline/core';

/** Options of `makeAnchors`. */
export interface AnchorOptions {
  /**
   * Sizes of the anchors (square roots of their areas) in pixels of the input: one list for all strides of the backbone, or a
   * list for each. Choose them for the data set.
   * @default 4, 5 and 6.3 times the stride
   */
  readonly sizes?: readonly number[] | readonly (readonly number[])[];
  /** Aspect ratios, height / width. @default [0.5, 1, 2] */
  readonly ratios?: readonly number[];
}

/**
 * The width and height, in pixels of the input, of each anchor of a cell.
 *
 * @returns one list for each stride, all of the same length
 * @throws HooklineError `HKL_DETECT_ANCHORS` for invalid options
 */
export function anchorShapes(
  { sizes, ratios = [0.5, 1, 2] }: AnchorOptions,
  strides: readonly number[],
): readonly (readonly (readonly [width: number, height: number])[])[] {
  const perLevel = strides.map((stride, level): readonly number[] => {
    if (sizes === undefined) return [0, 1, 2].map((third) => stride * 4 * 2 ** (third / 3));
    const own = sizes[level];
    return typeof sizes[0] === 'number' ? (sizes as readonly number[]) : typeof own === 'object' ? own : [];
  });
  const isPositive = (value: number): boolean => Number.isFinite(value) && value > 0;
  const [first = []] = perLevel;
  const areSizes =
    first.length > 0 && perLevel.every((level) => level.length === first.length && level.every(isPositive));
  if (!areSizes || ratios.length === 0 || !ratios.every(isPositive)) {
    throw new HooklineError('HKL_DETECT_ANCHORS', `the anchors do not fit the strides ${strides.join(', ')}`, {
      who: 'retinaHead',
      fix: 'Give sizes as one list of pixels, or a list for each stride, all equally long; and ratios above 0',
    });
  }
  return perLevel.map((level) =>
    level.flatMap((size) => ratios.map((ratio) => [size / Math.sqrt(ratio), size * Math.sqrt(ratio)] as const)),
  );
}

/**
 * The anchors of all cells of one level, in pixels of the input.
 *
 * @param shapes width and height of each anchor of a cell
 * @returns centre x, centre y, width, height: [height * width * shapes, 4], cell by cell in row-major order
 */
export function makeAnchors(
  shapes: readonly (readonly [width: number, height: number])[],
  { height, width, stride }: { readonly height: number; readonly width: number; readonly stride: number },
): Float32Array {
  const anchors = new Float32Array(height * width * shapes.length * 4);
  let at = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (const [w, h] of shapes) {
        anchors.set([(column + 0.5) * stride, (row + 0.5) * stride, w, h], at);
        at += 4;
      }
    }
  }
  return anchors;
}
