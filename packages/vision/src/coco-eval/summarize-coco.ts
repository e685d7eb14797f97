import type { CocoEvaluation } from './evaluate-coco.ts';

/** COCO's twelve metrics, from 0 to 1; -1 for a metric without objects. */
export interface CocoSummary {
  /** AP averaged over categories and IoU thresholds, at the largest number of detections. */
  readonly AP: number;
  /** AP at IoU 0.5. */
  readonly AP50: number;
  /** AP at IoU 0.75. */
  readonly AP75: number;
  /** AP for small, medium and large objects. */
  readonly APs: number;
  readonly APm: number;
  readonly APl: number;
  /** Average recall at each maximum number of detections, by default 1, 10 and 100. */
  readonly AR: readonly number[];
  /** Average recall for small, medium and large objects, at the largest number of detections. */
  readonly ARs: number;
  readonly ARm: number;
  readonly ARl: number;
}

/** Computes COCO's twelve metrics. AP and AR by size use the largest number of detections. */
export function summarizeCoco(evaluation: CocoEvaluation): CocoSummary {
  const { iouThresholds, areaRanges, maxDets } = evaluation.params;
  const last = maxDets.length - 1;
  const areaOf = (name: string): number => areaRanges.findIndex((range) => range.name === name);
  const precision = (area: string, iou?: number): number =>
    meanOf(
      evaluation,
      'precision',
      ({ t, a, m }) => a === areaOf(area) && m === last && (iou === undefined || iouThresholds[t] === iou),
    );
  const recall = (area: string, detections: number): number =>
    meanOf(evaluation, 'recall', ({ a, m }) => a === areaOf(area) && m === detections);
  return {
    AP: precision('all'),
    AP50: precision('all', 0.5),
    AP75: precision('all', 0.75),
    APs: precision('small'),
    APm: precision('medium'),
    APl: precision('large'),
    AR: maxDets.map((_, m) => recall('all', m)),
    ARs: recall('small', last),
    ARm: recall('medium', last),
    ARl: recall('large', last),
  };
}

/**
 * AP of each category, from 0 to 1, over objects of all sizes; -1 for a category without objects.
 *
 * @param iou the only IoU threshold to use; by default the mean over all
 * @returns in ascending order of the category ids
 */
export function categoryPrecisions(evaluation: CocoEvaluation, iou?: number): readonly number[] {
  const { params, categories } = evaluation;
  const last = params.maxDets.length - 1;
  const all = params.areaRanges.findIndex(({ name }) => name === 'all');
  return categories.map((_, category) =>
    meanOf(
      evaluation,
      'precision',
      ({ t, k, a, m }) =>
        k === category && a === all && m === last && (iou === undefined || params.iouThresholds[t] === iou),
    ),
  );
}

/** The twelve metrics in the order in which pycocotools prints them. */
export function cocoStats(summary: CocoSummary): readonly number[] {
  const { AP, AP50, AP75, APs, APm, APl, AR, ARs, ARm, ARl } = summary;
  return [AP, AP50, AP75, APs, APm, APl, ...AR, ARs, ARm, ARl];
}

interface Place {
  readonly t: number;
  readonly k: number;
  readonly a: number;
  readonly m: number;
}

/** Mean of the chosen values that are not -1; -1 when there are none. */
function meanOf(evaluation: CocoEvaluation, what: 'precision' | 'recall', isChosen: (place: Place) => boolean): number {
  const { params, categories } = evaluation;
  const values = evaluation[what];
  const recalls = what === 'precision' ? params.recallThresholds.length : 1;
  const [areas, limits] = [params.areaRanges.length, params.maxDets.length];
  const settings = categories.length * areas * limits;
  let sum = 0;
  let count = 0;
  for (let t = 0; t < params.iouThresholds.length; t++) {
    for (let setting = 0; setting < settings; setting++) {
      const m = setting % limits;
      const a = Math.floor(setting / limits) % areas;
      const k = Math.floor(setting / limits / areas);
      if (!isChosen({ t, k, a, m })) continue;
      for (let r = 0; r < recalls; r++) {
        const value = values[(t * recalls + r) * settings + setting] as number;
        if (value <= -1) continue;
        sum += value;
        count++;
      }
    }
  }
  return count === 0 ? -1 : sum / count;
}
