import { documentedOptions } from '@hookline/core';
import { EXPORT_FORMATS, type ExportFormat, type ExportInputs } from '@hookline/tfjs';
import { z } from 'zod';

export const exportSchema = documentedOptions<ExportBestOptions>()(
  z.strictObject({
    formats: z
      .array(z.enum(EXPORT_FORMATS as [ExportFormat, ...ExportFormat[]]))
      .min(1)
      .default(['graph-model']),
    checkpoint: z.string().min(1).default('model_best'),
    folder: z.string().min(1).default('exported'),
    batch: z.int().min(1).optional(),
    inputs: z.custom<ExportInputs>((value) => typeof value === 'object' && value !== null, 'must be inputs').optional(),
    details: z.record(z.string(), z.unknown()).default({}),
  }),
);

/** Options of {@link exportBest}. */
export interface ExportBestOptions {
  /** What it is written as. @default ['graph-model'] */
  readonly formats?: readonly ExportFormat[];
  /** Name of the checkpoint whose weights are exported; where there is none, those that the training ends with. @default 'model_best' */
  readonly checkpoint?: string;
  /** In the run's folder; each format has a folder of its own in it. @default 'exported' */
  readonly folder?: string;
  /** Items that the written model takes at a time. @default any number */
  readonly batch?: number;
  /** What the model's `predict` takes. @default what the trainer says (`buildExport`), or a tf.layers model itself */
  readonly inputs?: ExportInputs;
  /** Further facts for `export.json`. @default none */
  readonly details?: Readonly<Record<string, unknown>>;
}
