import { accumulate, type CocoCurves, emptyCurves } from './accumulate.ts';
import { annotationTable, detectionTable, indexIds } from './box-table.ts';
import { matchCategory } from './category-matches.ts';
import { type CocoParams, cocoParams } from './coco-params.ts';
import type { CocoDetection, CocoGroundTruth } from './coco-types.ts';

/** Result of {@link evaluateCoco}: precision and recall curves, and their axes. */
export interface CocoEvaluation extends CocoCurves {
  readonly params: CocoParams;
  /** Ids of the categories, ascending: the axis of the curves. */
  readonly categories: readonly number[];
  /** How many detections were ignored because their category is not in the data set. */
  readonly dropped: number;
}

/**
 * COCO's evaluation of boxes, as pycocotools computes it: matching, precision and recall of every category, IoU
 * threshold, size class and number of detections. {@link summarizeCoco} computes COCO's twelve metrics from it.
 *
 * Annotation ids and `ignore` fields are not used.
 *
 * @throws HooklineError `HKL_COCO_ANNOTATION`, `HKL_COCO_DETECTION`, `HKL_COCO_PARAMS`
 */
export function evaluateCoco(
  truth: CocoGroundTruth,
  detections: readonly CocoDetection[],
  given: Partial<CocoParams> = {},
): CocoEvaluation {
  const params = cocoParams(given);
  const images = indexIds(truth.images.map(({ id }) => id));
  const categories = indexIds(truth.categories.map(({ id }) => id));
  const objects = annotationTable(truth.annotations, images.index, categories.index);
  const found = detectionTable(detections, images.index, categories.index);
  const count = categories.ids.length;
  const curves = emptyCurves(params, count);
  for (let category = 0; category < count; category++) {
    accumulate(curves, category, count, matchCategory(category, found, objects, params), params);
  }
  return { ...curves, params, categories: categories.ids, dropped: detections.length - found.length };
}
