import { isPositivePeriod, type Period, PERIOD_RULE, documentedOptions } from '@hookline/core';
import { z } from 'zod';

const pattern = z.string().min(1);

const rule = z.strictObject({
  names: z.union([pattern, z.array(pattern).min(1)]),
  until: z.custom<Period>(isPositivePeriod, PERIOD_RULE).optional(),
});

export const freezeSchema = documentedOptions<FreezeOptions>()(z.strictObject({ rules: z.array(rule).min(1) }));

/** Which variables stand still, and how long. */
export interface FreezeRule {
  /**
   * Names of the variables, or patterns of names in which `*` stands for any characters, also for `/`: `backbone/*`. They hold for
   * weights and for the statistics of batch norm alike.
   */
  readonly names: string | readonly string[];
  /** The iteration with which they begin to move, or the epochs before it: `1000`, `{ epochs: 3 }`. @default never */
  readonly until?: Period | undefined;
}

/** Options of the plugin. */
export interface FreezeOptions {
  /** A variable that several rules name moves once none of them holds it. */
  readonly rules: readonly FreezeRule[];
}
