import { HooklineError, type ErrorDetails } from '@hookline/core';

/** Why a model could not be exported. */
export type ExportProblem =
  /** What the option `inputs` or `example` says is missing, or cannot be. */
  | 'HKL_EXPORT_INPUTS'
  /** Another option. */
  | 'HKL_EXPORT_OPTION'
  /** The graph differs with the number of items in a way that no graph for any number can hold. */
  | 'HKL_EXPORT_BATCH'
  /** The format has no counterpart of an op. */
  | 'HKL_EXPORT_OP'
  /** The file would be larger than its format allows. */
  | 'HKL_EXPORT_SIZE'
  /** The written model gave something else than the model's `predict`, or could not be run. */
  | 'HKL_EXPORT_CHECK';

/** An error of exporting a model. */
export const exportError = (
  code: ExportProblem,
  what: string,
  model: string,
  details: Omit<ErrorDetails, 'who'>,
): HooklineError => new HooklineError(code, what, { who: `model "${model}"`, where: 'export', ...details });

/** The remedy for whatever cannot be with an open batch. */
export const FIX_BATCH = 'Export with a fixed batch: --batch N, or the option batch';
