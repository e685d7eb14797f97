import { type Detections, nms, pairIou, pickDetections } from '@hookline/inference/detections';

/** Options of {@link boxVoting}. */
export interface VotingOptions {
  /** Boxes of one class that overlap by more are one. @default 0.55 */
  readonly nmsThreshold?: number;
  /** Boxes of the class that overlap the one that stays by more vote on where it is. @default 0.65 */
  readonly voteThreshold?: number;
  /** @default 100 */
  readonly maxDetections?: number;
}

/**
 * Non-maximum suppression in which the suppressed have a say: a box that stays is moved to the mean of all candidates
 * of its class that overlap it, weighted by their scores (Gidaris and Komodakis, 2015). Its score stays.
 *
 * @param found any order
 */
export function boxVoting(found: Detections, options: VotingOptions = {}): Detections {
  const { nmsThreshold = 0.55, voteThreshold = 0.65, maxDetections = 100 } = options;
  const order = Uint32Array.from({ length: found.scores.length }, (_, row) => row);
  order.sort((a, b) => (found.scores[b] as number) - (found.scores[a] as number) || a - b);
  const sorted = pickDetections(found, order);
  const kept = nms(sorted, nmsThreshold, maxDetections);
  const voted = pickDetections(sorted, kept);
  kept.forEach((row, to) => {
    const sums = [0, 0, 0, 0];
    let total = 0;
    for (let other = 0; other < sorted.scores.length; other++) {
      if (sorted.classes[other] !== sorted.classes[row]) continue;
      if (other !== row && pairIou(sorted.boxes, row, other) <= voteThreshold) continue;
      const score = sorted.scores[other] as number;
      total += score;
      for (let side = 0; side < 4; side++) {
        sums[side] = (sums[side] as number) + score * (sorted.boxes[other * 4 + side] as number);
      }
    }
    voted.boxes.set(
      sums.map((sum) => sum / total),
      to * 4,
    );
  });
  return voted;
}
