import type { TtaOptions } from '@hookline/vision';
import type { DetectionConfig } from './config/detection-config.ts';

/** Boxes from several views with a larger IoU count as one object; see `boxVoting`. */
const TTA_NMS_THRESHOLD = 0.55;

/** The flips of test-time augmentation for each value of `input.randomFlip`. */
const VIEWS = {
  none: ['none'],
  horizontal: ['none', 'horizontal'],
  vertical: ['none', 'vertical'],
  both: ['none', 'horizontal', 'vertical', 'both'],
} as const;

/** Options of test-time augmentation from the config. By default it uses the flips of training. */
export function ttaOptions({ input, test }: DetectionConfig): TtaOptions {
  const { aug, detectionsPerImage, scoreThreshold } = test;
  return {
    flips: aug.flips.length > 0 ? aug.flips : [...VIEWS[input.randomFlip]],
    scales: aug.scales,
    scoreThreshold,
    nmsThreshold: TTA_NMS_THRESHOLD,
    maxDetections: detectionsPerImage,
  };
}

/** The cost of all views in forward passes at scale 1; a view costs in proportion to its pixels. */
export const costOfViews = ({ flips = [], scales = [] }: TtaOptions): number =>
  flips.length * scales.reduce((sum, scale) => sum + scale * scale, 0);
