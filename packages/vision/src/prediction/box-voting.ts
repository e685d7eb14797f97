import { assertKnownOptions, type OptionNames } from '@hookline/core';
import { type Detections, nms, pairIou, pickDetections } from '@hookline/inference/detections';

/** Options of {@link boxVoting}. */
export interface VotingOptions {
  /** Non-maximum suppression threshold: of two boxes of a class with a larger IoU, the lower score is suppressed. @default 0.55 */
  readonly nmsThreshold?: number;
  /** Boxes of the same class with a larger IoU with a kept box are averaged with it. @default 0.65 */
  readonly voteThreshold?: number;
  /** Maximum number of detections per image. @default 100 */
  readonly maxDetections?: number;
}

/** All names of {@link VotingOptions}. */
export const VOTING_OPTIONS = {
  nmsThreshold: true,
  voteThreshold: true,
  maxDetections: true,
} as const satisfies OptionNames<VotingOptions>;

/**
 * Non-maximum suppression with box voting (Gidaris and Komodakis, 2015): each kept box becomes the mean of all candidates of its
 * class that overlap it, weighted by their scores. Its score does not change.
 *
 * @param found candidates in any order
 * @returns kept detections, best score first
 * @throws HooklineError `HKL_OPTION_UNKNOWN`
 */
export function boxVoting(found: Detections, options: VotingOptions = {}): Detections {
  assertKnownOptions('boxVoting', options, VOTING_OPTIONS);
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
