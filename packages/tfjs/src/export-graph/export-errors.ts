import { HooklineError, type ErrorDetails } from '@hookline/core';

/** The reason why a model could not be exported. */
export type ExportProblem =
  /** The option `inputs` or `example` is missing, or has an impossible value. */
  | 'HKL_EXPORT_INPUTS'
  /** Another option is invalid. */
  | 'HKL_EXPORT_OPTION'
  /** The graph depends on the number of items in a way that no graph for any number can express. */
  | 'HKL_EXPORT_BATCH'
  /** The format has no counterpart of an op. */
  | 'HKL_EXPORT_OP'
  /** The file would be larger than its format allows. */
  | 'HKL_EXPORT_SIZE'
  /** The written model returned something other than the model's `predict`, or could not be run. */
  | 'HKL_EXPORT_CHECK';

/** Makes an error about exporting a model. */
export const exportError = (
  code: ExportProblem,
  what: string,
  model: string,
  details: Omit<ErrorDetails, 'who'>,
): HooklineError => new HooklineError(code, what, { who: `model "${model}"`, where: 'export', ...details });

/** The remedy when a graph cannot have an open batch. */
export const FIX_BATCH = 'Export with a fixed batch: --batch N, or the option batch';
