import type { Detections } from '@hookline/images';

/**
 * Class-wise non-maximum suppression: of boxes of one class that overlap by more than `threshold`, the best scored
 * stays.
 *
 * @param detections best score first
 * @returns the rows that stay, best score first, at most `limit`
 */
export function nms({ boxes, classes }: Detections, threshold: number, limit = Infinity): number[] {
  const kept: number[] = [];
  // Kept rows by class, so that boxes of other classes are not looked at.
  const rivals = new Map<number, number[]>();
  for (let row = 0; row < classes.length && kept.length < limit; row++) {
    const kind = classes[row] as number;
    const same = rivals.get(kind);
    if (same?.some((other) => pairIou(boxes, row, other) > threshold) === true) continue;
    kept.push(row);
    if (same === undefined) rivals.set(kind, [row]);
    else same.push(row);
  }
  return kept;
}

/** IoU of two boxes given by their rows. */
export function pairIou(boxes: Float32Array, a: number, b: number): number {
  const [i, j] = [a * 4, b * 4];
  const ax = boxes[i] as number;
  const ay = boxes[i + 1] as number;
  const au = boxes[i + 2] as number;
  const av = boxes[i + 3] as number;
  const bx = boxes[j] as number;
  const by = boxes[j + 1] as number;
  const bu = boxes[j + 2] as number;
  const bv = boxes[j + 3] as number;
  const width = Math.min(au, bu) - Math.max(ax, bx);
  if (width <= 0) return 0;
  const height = Math.min(av, bv) - Math.max(ay, by);
  if (height <= 0) return 0;
  const shared = width * height;
  return shared / ((au - ax) * (av - ay) + (bu - bx) * (bv - by) - shared);
}
