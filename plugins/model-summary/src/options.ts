import { documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const optionsSchema = documentedOptions<ModelSummaryOptions>()(
  z.strictObject({
    log: z.boolean().default(true),
  }),
);

/** Options of {@link modelSummary}. */
export interface ModelSummaryOptions {
  /**
   * Whether the whole table is logged, or only its last line. The file has the table in either case.
   * @default true
   */
  log?: boolean;
}
