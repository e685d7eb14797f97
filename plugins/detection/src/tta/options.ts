import type { Results } from '@hookline/core';
import type { DataSource } from '@hookline/tfjs';
import { z } from 'zod';
import { loaderSchema, postprocessShape } from '../schemas.ts';
import type { TtaOptions } from './predict-views.ts';

/** What judges the detections; the evaluators of this package do. */
export interface DetectionJudge {
  reset(): void;
  process(batch: unknown, detections: unknown): void | Promise<void>;
  evaluate(): Results | undefined | Promise<Results | undefined>;
}

const isJudge = (value: unknown): boolean =>
  ['reset', 'process', 'evaluate'].every(
    (name) => typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function',
  );

export const ttaSchema = z.strictObject({
  loader: loaderSchema,
  evaluator: z.custom<DetectionJudge>(isJudge, 'must be an evaluator with reset, process and evaluate'),
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
});

/** Options of the test-time augmentation. */
export interface DetectionTtaOptions extends TtaOptions {
  /** The batches to evaluate on, iterated anew each time. */
  readonly loader: DataSource;
  /** What judges the detections: an evaluator of its own, not the one that evaluates without augmentation. */
  readonly evaluator: DetectionJudge;
  /** Whether to run with every evaluation; else only with the last. @default false */
  readonly everyEvaluation?: boolean;
  /** Nests the results under this name and `_TTA`, such as that of the data set. @default not nested */
  readonly name?: string;
}
