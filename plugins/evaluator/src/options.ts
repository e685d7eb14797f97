import {
  type DatasetEvaluator,
  isDatasetEvaluator,
  isPeriod,
  type Period,
  PERIOD_RULE,
  type Results,
  type StepContext,
  documentedOptions,
} from '@hookline/core';
import { type DataSource, dataSourceSchema, type TrainableModel } from '@hookline/tfjs';
import { z } from 'zod';

/** The argument of an evaluation function. */
export interface EvaluateContext {
  readonly step: StepContext;
  /** The model in training, if there is one. Evaluate it with `inEvalMode` or `inferenceOnDataset`. */
  readonly model: TrainableModel | undefined;
}

/** Results, or nothing. */
export type EvaluateFunction = (
  context: EvaluateContext,
) => Results | undefined | null | Promise<Results | undefined | null>;

const isFunction = (value: unknown): boolean => typeof value === 'function';

export const evaluatorSchema = documentedOptions<EvaluatorOptions>()(
  z
    .strictObject({
      period: z.custom<Period>(isPeriod, PERIOD_RULE).default(0),
      evaluate: z.custom<EvaluateFunction>(isFunction, 'must be a function').optional(),
      evaluators: z
        .custom<DatasetEvaluator | readonly DatasetEvaluator[]>(
          (value) =>
            Array.isArray(value) ? value.length > 0 && value.every(isDatasetEvaluator) : isDatasetEvaluator(value),
          'must be one evaluator or several, each with reset, process and evaluate',
        )
        .optional(),
      loader: dataSourceSchema.optional(),
      inputs: z.custom<(batch: unknown) => unknown>(isFunction, 'must be a function').optional(),
      name: z.string().min(1).optional(),
      evalAfterTrain: z.boolean().default(true),
      evalBeforeTrain: z.boolean().default(false),
    })
    .refine(({ evaluators, loader }) => (evaluators === undefined) === (loader === undefined), {
      message: 'evaluators and loader go together: give both or neither',
    }),
);

/** Options of the evaluator. */
export interface EvaluatorOptions {
  /** Iterations, or epochs, between evaluations: `500`, `{ epochs: 1 }`; 0 evaluates only at the end. @default 0 */
  readonly period?: Period;
  /** Custom evaluation function; may be async. */
  readonly evaluate?: EvaluateFunction;
  /** The evaluators, which compute results from the model's outputs; need `loader`. */
  readonly evaluators?: DatasetEvaluator | readonly DatasetEvaluator[];
  /** The batches to evaluate on, iterated from the start each time; needs `evaluators`. */
  readonly loader?: DataSource;
  /** Selects the model's inputs from a batch. @default the batch, its first element, or its `inputs`, `x` or `xs` */
  readonly inputs?: (batch: unknown) => unknown;
  /** Nests the results under this name, for example that of the data set. @default not nested */
  readonly name?: string;
  /** Whether to evaluate at the end of the training, whatever the period. @default true */
  readonly evalAfterTrain?: boolean;
  /**
   * Whether to evaluate before the first step too. Errors of the evaluation then show at once, and the results, which are
   * stored at iteration 0, show the starting point of the training. A resumed run does not do this.
   * @default false
   */
  readonly evalBeforeTrain?: boolean;
}
