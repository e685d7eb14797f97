import { type DetectionBatch, fitSize } from '@hookline/images';
import type { BatchImage } from '@hookline/vision';
import type { DetectionConfig } from './config/detection-config.ts';

/**
 * Returns a function that tells evaluators which image each row of a `DetectionLoader` batch shows, and which part of the row it
 * fills.
 *
 * @example new CocoEvaluator({ truth, images: imagesOf(config.input) })
 */
export function imagesOf({
  width,
  height,
  fit,
}: Pick<DetectionConfig['input'], 'width' | 'height' | 'fit'>): (batch: unknown) => readonly BatchImage[] {
  return (batch) =>
    (batch as DetectionBatch).samples.records.map((record) => {
      const shown = fitSize(record, { width, height }, fit);
      return {
        imageId: record.imageId,
        width: record.width,
        height: record.height,
        inputWidth: shown.width,
        inputHeight: shown.height,
      };
    });
}
