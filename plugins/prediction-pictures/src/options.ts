import { isPeriod, type Period, PERIOD_RULE, documentedOptions } from '@hookline/core';
import { type DataSource, dataSourceSchema } from '@hookline/tfjs';
import { postprocessShape } from '@hookline/vision';
import { z } from 'zod';

export const picturesSchema = documentedOptions<PredictionPicturesOptions>()(
  z.strictObject({
    loader: dataSourceSchema,
    period: z.custom<Period>(isPeriod, PERIOD_RULE).default(0),
    count: z.int().min(1).default(8),
    columns: z.int().min(1).default(4),
    name: z.string().min(1).default('predictions'),
    drawThreshold: z.number().min(0).max(1).optional(),
    enlarge: z.number().positive().optional(),
    showTruth: z.boolean().default(true),
    writeFiles: z.boolean().default(true),
    ...postprocessShape,
  }),
);

/** Options of {@link predictionPictures}. */
export interface PredictionPicturesOptions {
  /** Batches whose first images are shown; the same images each time. */
  readonly loader: DataSource;
  /** Iterations, or epochs, between two pictures: `200`, `{ epochs: 1 }`; the last iteration is drawn too. 0 draws with every evaluation. @default 0 */
  readonly period?: Period;
  /** Number of images that are shown. @default 8 */
  readonly count?: number;
  /** Columns of the grid. @default 4 */
  readonly columns?: number;
  /** Name of the image in the event storage, and of the folder of files. @default 'predictions' */
  readonly name?: string;
  /** Detections with a lower score are not drawn. From 0 to 1. @default 0.4 */
  readonly drawThreshold?: number;
  /** Factor by which pictures are enlarged before boxes are drawn. @default the smallest whole factor that makes them at least 480 pixels wide */
  readonly enlarge?: number;
  /** Whether the ground truth is drawn too, as thin dashed boxes. @default true */
  readonly showTruth?: boolean;
  /** Whether a PNG file is written each time, such as `predictions/0000500.png` in the run's folder. @default true */
  readonly writeFiles?: boolean;
  /** Score threshold, suppression and limits that turn outputs into detections. */
  readonly scoreThreshold?: number;
  readonly topK?: number;
  readonly nmsThreshold?: number;
  readonly maxDetections?: number;
}
