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
  /** Formats to write: `graph-model`, `saved-model`, `onnx`, `layers-model`. @default ['graph-model'] */
  readonly formats?: readonly ExportFormat[];
  /** Name of the checkpoint whose weights are exported. If there is none, the final weights are exported. @default 'model_best' */
  readonly checkpoint?: string;
  /** Folder in the run's folder; each format has a subfolder. @default 'exported' */
  readonly folder?: string;
  /** Fixed batch size of the exported model. @default any number */
  readonly batch?: number;
  /** Inputs of the model's `predict`. @default those of the trainer (`buildExport`) or of a tf.layers model */
  readonly inputs?: ExportInputs;
  /** Additional entries for `export.json`. @default none */
  readonly details?: Readonly<Record<string, unknown>>;
}
