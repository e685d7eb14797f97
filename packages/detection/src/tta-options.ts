import type { TtaOptions } from '@hookline/vision';
import type { DetectionConfig } from './config/detection-config.ts';

/** Boxes of several views that overlap by more are one object; see `boxVoting`. */
const TTA_NMS_THRESHOLD = 0.55;

/** The views of test-time augmentation: those in which training has shown the images. */
const VIEWS = {
  none: ['none'],
  horizontal: ['none', 'horizontal'],
  vertical: ['none', 'vertical'],
  both: ['none', 'horizontal', 'vertical', 'both'],
} as const;

/** Test-time augmentation as the config asks for it; by default it takes the flips that training makes. */
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

/** Passes of the network over an image: a larger view costs as its pixels. */
export const costOfViews = ({ flips = [], scales = [] }: TtaOptions): number =>
  flips.length * scales.reduce((sum, scale) => sum + scale * scale, 0);
