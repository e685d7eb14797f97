import { type BatchImage, type DetectionBatch, fitSize } from 'hookline';
import type { DetectionConfig } from './detection-config.ts';

/** Tells evaluators which image each row of a batch is, and which part of the row it fills. */
export function imagesOf({ width, height, fit }: DetectionConfig['data']): (batch: unknown) => readonly BatchImage[] {
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
