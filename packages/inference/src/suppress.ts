import type { Postprocessing } from './export-facts.ts';

/** What was found in one picture, best score first. */
export interface Found {
  /** Corners x1, y1, x2, y2 of each in pixels of the network's input. */
  readonly box: readonly [number, number, number, number];
  readonly score: number;
  /** From 0. */
  readonly kind: number;
}

/**
 * What a detector says at each place as detections: the best-scored ones, of which those of one class that overlap by more than the
 * threshold are one. The same as in an evaluation.
 *
 * @param scores of each place and class
 * @param boxes of each place
 */
export function suppress(
  scores: Float32Array,
  boxes: Float32Array,
  classes: number,
  { scoreThreshold, topK, nmsThreshold, maxDetections }: Postprocessing,
): Found[] {
  const rows: number[] = [];
  for (let row = 0; row < scores.length; row++) if ((scores[row] as number) >= scoreThreshold) rows.push(row);
  rows.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  const kept: Found[] = [];
  for (const row of rows.slice(0, topK)) {
    if (kept.length >= maxDetections) break;
    const at = Math.floor(row / classes) * 4;
    const box = [...boxes.subarray(at, at + 4)] as unknown as Found['box'];
    const kind = row % classes;
    if (kept.some((other) => other.kind === kind && iou(box, other.box) > nmsThreshold)) continue;
    kept.push({ box, score: scores[row] as number, kind });
  }
  return kept;
}

/** How much of two boxes together both have. */
function iou(a: Found['box'], b: Found['box']): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared);
}
