import type { DenseOutputs } from '../detector/dense-head.ts';
import { type Detections, pickDetections } from '@hookline/images';
import { nms } from './nms.ts';

/** Options of {@link postprocess}. */
export interface PostprocessOptions {
  /** Scores below are no detections. @default 0.05 */
  readonly scoreThreshold?: number;
  /** Best-scored candidates per image that go into the suppression. @default 1000 */
  readonly topK?: number;
  /** Boxes of one class that overlap by more are one. @default 0.5 */
  readonly nmsThreshold?: number;
  /** Detections per image that stay. @default 100 */
  readonly maxDetections?: number;
}

/** Turns what a dense head says into detections per image, best score first. The tensors stay with the caller. */
export async function postprocess(outputs: DenseOutputs, options: PostprocessOptions = {}): Promise<Detections[]> {
  const [batch, places, classes] = outputs.scores.shape;
  const [scores, boxes] = (await Promise.all([outputs.scores.data(), outputs.boxes.data()])) as [
    Float32Array,
    Float32Array,
  ];
  const step = places * classes;
  return Array.from({ length: batch }, (_, image) => {
    const found = candidates(
      scores.subarray(image * step, (image + 1) * step),
      boxes.subarray(image * places * 4, (image + 1) * places * 4),
      classes,
      options,
    );
    return suppress(found, options);
  });
}

/** The best-scored places of one image, best first, before any suppression. */
export function candidates(
  scores: Float32Array,
  boxes: Float32Array,
  classes: number,
  { scoreThreshold = 0.05, topK = 1000 }: PostprocessOptions,
): Detections {
  const rows: number[] = [];
  for (let row = 0; row < scores.length; row++) if ((scores[row] as number) >= scoreThreshold) rows.push(row);
  rows.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  const best = rows.slice(0, topK);
  const found: Detections = {
    boxes: new Float32Array(best.length * 4),
    scores: Float32Array.from(best, (row) => scores[row] as number),
    classes: Int32Array.from(best, (row) => row % classes),
  };
  best.forEach((row, to) => {
    const place = Math.floor(row / classes);
    found.boxes.set(boxes.subarray(place * 4, place * 4 + 4), to * 4);
  });
  return found;
}

/** Candidates, best score first, without those that the suppression takes. */
export function suppress(
  found: Detections,
  { nmsThreshold = 0.5, maxDetections = 100 }: PostprocessOptions,
): Detections {
  return pickDetections(found, nms(found, nmsThreshold, maxDetections));
}
