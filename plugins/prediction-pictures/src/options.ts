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

/** Options of the pictures of predictions. */
export interface PredictionPicturesOptions {
  /** Batches of which the first images are shown, the same ones each time. */
  readonly loader: DataSource;
  /** Draws after every how many iterations, or epochs, and after the last: `200`, `{ epochs: 1 }`; 0 for with every evaluation. @default 0 */
  readonly period?: Period;
  /** Images. @default 8 */
  readonly count?: number;
  /** Columns of the grid. @default 4 */
  readonly columns?: number;
  /** Of the image in the event storage, and of the folder of files. @default 'predictions' */
  readonly name?: string;
  /** Detections of a smaller score are not drawn. @default 0.4 */
  readonly drawThreshold?: number;
  /** How many times the size pictures are drawn in. @default as many as make them 480 pixels wide */
  readonly enlarge?: number;
  /** Draws the true boxes too, thin and dashed. @default true */
  readonly showTruth?: boolean;
  /** Writes a PNG file each time, `predictions/0000500.png` in the run's folder. @default true */
  readonly writeFiles?: boolean;
  /** How outputs become detections. */
  readonly scoreThreshold?: number;
  readonly topK?: number;
  readonly nmsThreshold?: number;
  readonly maxDetections?: number;
}
