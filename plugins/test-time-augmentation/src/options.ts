import { type DatasetEvaluator, isDatasetEvaluator, documentedOptions } from '@hookline/core';
import { type DataSource, dataSourceSchema } from '@hookline/tfjs';
import { postprocessShape, type TtaOptions } from '@hookline/vision';
import { z } from 'zod';

export const ttaSchema = documentedOptions<DetectionTtaOptions>()(
  z.strictObject({
    loader: dataSourceSchema,
    evaluator: z.custom<DatasetEvaluator>(isDatasetEvaluator, 'must be an evaluator with reset, process and evaluate'),
    everyEvaluation: z.boolean().default(false),
    name: z.string().min(1).optional(),
    flips: z
      .array(z.enum(['none', 'horizontal', 'vertical', 'both']))
      .min(1)
      .readonly()
      .optional(),
    scales: z.array(z.number().positive()).min(1).readonly().optional(),
    voteThreshold: z.number().min(0).max(1).optional(),
    ...postprocessShape,
  }),
);

/** Options of the test-time augmentation. */
export interface DetectionTtaOptions extends TtaOptions {
  /** The batches to evaluate on, iterated anew each time. */
  readonly loader: DataSource;
  /** What judges the detections: an evaluator of its own, not the one that evaluates without augmentation. */
  readonly evaluator: DatasetEvaluator;
  /** Whether to run with every evaluation; else only with the last. @default false */
  readonly everyEvaluation?: boolean;
  /** Nests the results under this name and `_TTA`, such as that of the data set. @default not nested */
  readonly name?: string;
}
