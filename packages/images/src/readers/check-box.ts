import type { Box } from '../records/dataset-record.ts';
import type { ProblemList } from './dataset-report.ts';

/** Minimum width and height, in pixels, of a box that is kept. */
const LEAST = 1e-3;

/**
 * Clips a box to its image and adds what it finds to `problems`.
 *
 * @param box edges x0, y0, x1, y1 in pixels
 * @param what names the object and its box in messages, such as `annotation 7: bbox [5, 5, 0, 10]`; a function that returns it is called only when needed
 * @returns the part of the box inside the image, or undefined when the object must be dropped
 */
export function checkBox(
  box: Box,
  { width, height }: { readonly width: number; readonly height: number },
  what: string | (() => string),
  file: string,
  problems: ProblemList,
): Box | undefined {
  const [x0, y0, x1, y1] = box;
  // Fast path: nearly all boxes are valid.
  if (x0 >= 0 && y0 >= 0 && x1 <= width && y1 <= height && x1 - x0 >= LEAST && y1 - y0 >= LEAST) return box;
  const named = (): string => (typeof what === 'string' ? what : what());
  if (!box.every(Number.isFinite)) {
    problems.add('annotation', 'box-invalid', file, `${named()} is not four numbers`);
    return undefined;
  }
  if (x1 - x0 < LEAST || y1 - y0 < LEAST) {
    problems.add('annotation', 'box-empty', file, `${named()} has no area`);
    return undefined;
  }
  const clipped: Box = [clamp(x0, width), clamp(y0, height), clamp(x1, width), clamp(y1, height)];
  if (clipped[2] - clipped[0] < LEAST || clipped[3] - clipped[1] < LEAST) {
    problems.add('annotation', 'box-outside', file, `${named()} lies outside of ${width}x${height}`);
    return undefined;
  }
  // Tools round coordinates, so clipping by up to 0.01 pixels is not reported.
  if (clipped.some((edge, index) => Math.abs(edge - (box[index] ?? edge)) > 0.01)) {
    problems.add('changed', 'box-clipped', file, `${named()} is clipped to ${width}x${height}`);
  }
  return clipped;
}

const clamp = (value: number, limit: number): number => Math.min(Math.max(value, 0), limit);
