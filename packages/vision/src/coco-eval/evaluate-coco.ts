import { accumulate, type CocoCurves, emptyCurves } from './accumulate.ts';
import { annotationTable, detectionTable, indexIds } from './box-table.ts';
import { matchCategory } from './category-matches.ts';
import { type CocoParams, cocoParams } from './coco-params.ts';
import type { CocoDetection, CocoGroundTruth } from './coco-types.ts';

/** Result of {@link evaluateCoco}: precision and recall curves with their axes. */
export interface CocoEvaluation extends CocoCurves {
  readonly params: CocoParams;
  /** Category ids in ascending order, the category axis of the curves. */
  readonly categories: readonly number[];
  /** Number of detections that were ignored because their category is not in the data set. */
  readonly dropped: number;
}

/**
 * Evaluates boxes as pycocotools does: matching, then precision and recall for every category, IoU threshold, size class and
 * maximum number of detections. {@link summarizeCoco} computes COCO's twelve metrics from the result.
 *
 * Annotation ids and `ignore` fields are not used.
 *
 * @throws HooklineError `HKL_COCO_ANNOTATION` or `HKL_COCO_DETECTION` for an invalid entry, `HKL_COCO_PARAMS` for invalid parameters,
 * `HKL_OPTION_UNKNOWN`
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
