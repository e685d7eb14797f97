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
   * Whether the table is logged; otherwise its last line alone is. The file holds the table in any case.
   * @default true
   */
  log?: boolean;
}
