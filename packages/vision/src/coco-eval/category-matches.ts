import { boxIou } from './box-iou.ts';
import type { BoxTable } from './box-table.ts';
import type { AreaRange, CocoParams } from './coco-params.ts';
import { matchImage, type MatchBits } from './match-image.ts';

/** The detections of one category that may count, with their matches. */
export interface CategoryMatches {
  readonly count: number;
  readonly scores: Float64Array;
  /** Rank of each detection by score within its image, from 0 for the best. */
  readonly ranks: Int32Array;
  /** Matches for each area range. */
  readonly bits: readonly MatchBits[];
  /** Number of objects that count, for each area range. */
  readonly positives: Int32Array;
}

/** Matches one category in every image, in ascending order of image ids. */
export function matchCategory(
  category: number,
  detections: BoxTable,
  objects: BoxTable,
  { iouThresholds, areaRanges, maxDets }: CocoParams,
): CategoryMatches {
  const limit = Math.max(...maxDets);
  const all = (1 << iouThresholds.length) - 1;
  const [dEnd, gEnd] = [detections.starts[category + 1] as number, objects.starts[category + 1] as number];
  let [d, g] = [detections.starts[category] as number, objects.starts[category] as number];
  const room = dEnd - d;
  const scores = new Float64Array(room);
  const ranks = new Int32Array(room);
  const bits = areaRanges.map(() => ({ matched: new Int32Array(room), ignored: new Int32Array(room) }));
  const positives = new Int32Array(areaRanges.length);
  let count = 0;
  while (d < dEnd || g < gEnd) {
    const image = Math.min(imageAt(detections, d, dEnd), imageAt(objects, g, gEnd));
    const [dFrom, gFrom] = [d, g];
    while (d < dEnd && detections.images[d] === image) d++;
    while (g < gEnd && objects.images[g] === image) g++;
    const rows = bestRows(detections.scores, dFrom, d, limit);
    const objectRows = Int32Array.from({ length: g - gFrom }, (_, place) => gFrom + place);
    const isCrowd = objects.crowds.subarray(gFrom, g);
    const iou =
      rows.length === 0 || objectRows.length === 0
        ? undefined
        : boxIou(
            { boxes: detections.boxes, rows, count: rows.length },
            { boxes: objects.boxes, rows: objectRows, count: objectRows.length },
            (place) => isCrowd[place] === 1,
          );
    rows.forEach((row, rank) => {
      scores[count + rank] = detections.scores[row] as number;
      ranks[count + rank] = rank;
    });
    areaRanges.forEach((range, a) => {
      const isIgnored = isCrowd.map((crowd, place) =>
        crowd === 1 || isOutside(objects.areas[gFrom + place] as number, range) ? 1 : 0,
      );
      for (const ignored of isIgnored) positives[a] = (positives[a] as number) + 1 - ignored;
      const here = bits[a] as MatchBits;
      if (iou !== undefined) {
        const match = { detections: rows.length, objects: isIgnored.length, iou, isCrowd, isIgnored };
        matchImage(match, iouThresholds, here, count);
      }
      rows.forEach((row, rank) => {
        if (!isOutside(detections.areas[row] as number, range)) return;
        const place = count + rank;
        here.ignored[place] = (here.ignored[place] as number) | (all & ~(here.matched[place] as number));
      });
    });
    count += rows.length;
  }
  return { count, scores, ranks, bits, positives };
}

const imageAt = (table: BoxTable, row: number, end: number): number =>
  row < end ? (table.images[row] as number) : Infinity;

const isOutside = (area: number, { min, max }: AreaRange): boolean => area < min || area > max;

/** The rows of the best scores, at most `limit`, the best first; ties keep their order. */
function bestRows(scores: Float64Array, from: number, to: number, limit: number): Uint32Array {
  const rows = Uint32Array.from({ length: to - from }, (_, place) => from + place);
  rows.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  return rows.subarray(0, limit);
}
