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

/** Options of {@link detectionTta}. */
export interface DetectionTtaOptions extends TtaOptions {
  /** Batches to evaluate on; iterated from the start each time. */
  readonly loader: DataSource;
  /** Computes the metrics. It must not be the evaluator that evaluates without augmentation. */
  readonly evaluator: DatasetEvaluator;
  /** Whether to run with every evaluation, not only with the last one. @default false */
  readonly everyEvaluation?: boolean;
  /** Nests the results under this name followed by `_TTA`, for example the name of the data set. @default not nested */
  readonly name?: string;
}
