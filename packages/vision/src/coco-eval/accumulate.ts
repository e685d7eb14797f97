import type { CategoryMatches } from './category-matches.ts';
import type { CocoParams } from './coco-params.ts';
import type { MatchBits } from './match-image.ts';

/** Precision and recall for every setting, from 0 to 1; -1 for a category without objects that count. */
export interface CocoCurves {
  /** Precision, in row-major order: [IoU thresholds, recall thresholds, categories, area ranges, maxDets]. */
  readonly precision: Float64Array;
  /** Final recall, in row-major order: [IoU thresholds, categories, area ranges, maxDets]. */
  readonly recall: Float64Array;
}

/** The double-precision epsilon. pycocotools adds it to the denominator of precision, so that a precision without detections is not 0 / 0. */
const SPACING = 2 ** -52;

/** Makes curves filled with -1. */
export function emptyCurves(params: CocoParams, categories: number): CocoCurves {
  const { iouThresholds, recallThresholds, areaRanges, maxDets } = params;
  const settings = iouThresholds.length * categories * areaRanges.length * maxDets.length;
  return {
    precision: new Float64Array(settings * recallThresholds.length).fill(-1),
    recall: new Float64Array(settings).fill(-1),
  };
}

/** Writes precision and recall of one category to `curves`, as pycocotools accumulates them. @param category index among `categories` */
export function accumulate(
  curves: CocoCurves,
  category: number,
  categories: number,
  matches: CategoryMatches,
  { iouThresholds, recallThresholds, areaRanges, maxDets }: CocoParams,
): void {
  const { count, scores, ranks, bits, positives } = matches;
  const order = Uint32Array.from({ length: count }, (_, place) => place);
  order.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  const inner = areaRanges.length * maxDets.length;
  areaRanges.forEach((_, a) => {
    const objects = positives[a] as number;
    if (objects === 0) return;
    maxDets.forEach((limit, m) => {
      const kept = order.filter((place) => (ranks[place] as number) < limit);
      const offset = category * inner + a * maxDets.length + m;
      for (let t = 0; t < iouThresholds.length; t++) {
        const hits = precisionAtHits(kept, bits[a] as MatchBits, 1 << t);
        curves.recall[t * categories * inner + offset] = hits.length / objects;
        let hit = 0;
        for (let r = 0; r < recallThresholds.length; r++) {
          // Finds the first hit at which this recall is reached.
          while (hit < hits.length && (hit + 1) / objects < (recallThresholds[r] as number)) hit++;
          curves.precision[(t * recallThresholds.length + r) * categories * inner + offset] = hits[hit] ?? 0;
        }
      }
    });
  });
}

/**
 * The interpolated precision at each true positive: the maximum over it and all later ones. Between two true positives
 * precision only falls while recall is constant, so they alone define the curve.
 */
function precisionAtHits(places: Uint32Array, { matched, ignored }: MatchBits, bit: number): number[] {
  const precision: number[] = [];
  let misses = 0;
  for (const place of places) {
    if (((ignored[place] as number) & bit) !== 0) continue;
    if (((matched[place] as number) & bit) === 0) misses++;
    else precision.push((precision.length + 1) / (misses + precision.length + 1 + SPACING));
  }
  for (let hit = precision.length - 2; hit >= 0; hit--) {
    precision[hit] = Math.max(precision[hit] as number, precision[hit + 1] as number);
  }
  return precision;
}
