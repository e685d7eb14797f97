/** The input of matching for one image and category. */
export interface ImageMatch {
  /** Number of detections, which are sorted by descending score. */
  readonly detections: number;
  readonly objects: number;
  /** IoU of each detection with each object: [detections, objects] in row-major order. */
  readonly iou: Float64Array;
  readonly isCrowd: Uint8Array;
  /** 1 for objects that do not count: crowds and those outside the area range. */
  readonly isIgnored: Uint8Array;
}

/** One bit for each IoU threshold: whether a detection matched an object, and whether it is ignored. */
export interface MatchBits {
  readonly matched: Int32Array;
  readonly ignored: Int32Array;
}

const NO_MATCH = -1;

/**
 * For each IoU threshold, matches each detection, in descending order of scores, with the free object that it overlaps most, as in
 * pycocotools.
 *
 * Objects that count are tried first, and an ignored object is never preferred to one that counts. Among equal IoUs the last
 * object wins. A crowd may be matched any number of times.
 *
 * @param bits receives the matches
 * @param from index in `bits` of the first detection
 */
export function matchImage(image: ImageMatch, thresholds: Float64Array, bits: MatchBits, from: number): void {
  const { detections, objects, iou, isCrowd, isIgnored } = image;
  const order = countingFirst(isIgnored);
  const best = bestOf(iou, detections, objects);
  const taken = new Uint8Array(objects);
  for (let t = 0; t < thresholds.length; t++) {
    const threshold = Math.min(thresholds[t] as number, 1 - 1e-10);
    taken.fill(0);
    for (let d = 0; d < detections; d++) {
      if ((best[d] as number) < threshold) continue;
      let reached = threshold;
      let match = NO_MATCH;
      for (let place = 0; place < objects; place++) {
        const g = order[place] as number;
        if (taken[g] === 1 && isCrowd[g] === 0) continue;
        if (match !== NO_MATCH && isIgnored[match] === 0 && isIgnored[g] === 1) break;
        const overlap = iou[d * objects + g] as number;
        if (overlap < reached) continue;
        reached = overlap;
        match = g;
      }
      if (match === NO_MATCH) continue;
      taken[match] = 1;
      bits.matched[from + d] = (bits.matched[from + d] as number) | (1 << t);
      if (isIgnored[match] === 1) bits.ignored[from + d] = (bits.ignored[from + d] as number) | (1 << t);
    }
  }
}

/** Indices of the objects: those that count first, then the ignored ones, each group in its order. */
function countingFirst(isIgnored: Uint8Array): Int32Array {
  const order = new Int32Array(isIgnored.length);
  let place = 0;
  for (const kind of [0, 1]) {
    for (let g = 0; g < isIgnored.length; g++) if (isIgnored[g] === kind) order[place++] = g;
  }
  return order;
}

function bestOf(iou: Float64Array, detections: number, objects: number): Float64Array {
  const best = new Float64Array(detections);
  for (let d = 0; d < detections; d++) {
    for (let g = 0; g < objects; g++) best[d] = Math.max(best[d] as number, iou[d * objects + g] as number);
  }
  return best;
}
