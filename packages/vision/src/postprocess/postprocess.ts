import { assertKnownOptions, type OptionNames } from '@hookline/core';
import { type Detections, detectionsOf, type PostprocessOptions } from '@hookline/inference/detections';
import { z } from 'zod';
import type { DenseOutputs } from '../detector/dense-head.ts';

export type { PostprocessOptions } from '@hookline/inference/detections';

/** All names of {@link PostprocessOptions}. */
export const POSTPROCESS_OPTIONS = {
  scoreThreshold: true,
  topK: true,
  nmsThreshold: true,
  maxDetections: true,
} as const satisfies OptionNames<PostprocessOptions>;

/** zod types of {@link PostprocessOptions}, for plugins that include them in their own options. */
export const postprocessShape = {
  scoreThreshold: z.number().min(0).max(1).optional(),
  topK: z.int().min(1).optional(),
  nmsThreshold: z.number().min(0).max(1).optional(),
  maxDetections: z.int().min(1).optional(),
} satisfies Record<keyof typeof POSTPROCESS_OPTIONS, z.ZodType>;

/**
 * Turns the outputs of a dense head into detections, in the same way as exported models.
 *
 * @param outputs outputs of a dense head; the caller still owns them
 * @returns detections of each image of the batch, best score first, with boxes in pixels of the network's input
 * @throws HooklineError `HKL_OPTION_UNKNOWN`
 */
export async function postprocess(outputs: DenseOutputs, options: PostprocessOptions = {}): Promise<Detections[]> {
  assertKnownOptions('postprocess', options, POSTPROCESS_OPTIONS);
  return mapImages(outputs, (scores, boxes, classes) => detectionsOf(scores, boxes, classes, options));
}

/**
 * Calls a function with the scores [places, classes] and boxes [places, 4] of each image of a batch.
 *
 * @returns the results of `map` in the order of the images
 */
export async function mapImages<T>(
  outputs: DenseOutputs,
  map: (scores: Float32Array, boxes: Float32Array, classes: number, image: number) => T,
): Promise<T[]> {
  const [batch, places, classes] = outputs.scores.shape;
  const [scores, boxes] = (await Promise.all([outputs.scores.data(), outputs.boxes.data()])) as [
    Float32Array,
    Float32Array,
  ];
  const step = places * classes;
  return Array.from({ length: batch }, (_, image) =>
    map(
      scores.subarray(image * step, (image + 1) * step),
      boxes.subarray(image * places * 4, (image + 1) * places * 4),
      classes,
      image,
    ),
  );
}
