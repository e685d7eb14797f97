import { isPositivePeriod, type Period, PERIOD_RULE, documentedOptions } from '@hookline/core';
import { z } from 'zod';

const pattern = z.string().min(1);

const rule = z.strictObject({
  names: z.union([pattern, z.array(pattern).min(1)]),
  until: z.custom<Period>(isPositivePeriod, PERIOD_RULE).optional(),
});

export const freezeSchema = documentedOptions<FreezeOptions>()(z.strictObject({ rules: z.array(rule).min(1) }));

/** A rule: which variables are frozen, and until when. */
export interface FreezeRule {
  /**
   * Names of the variables, or patterns in which `*` matches any characters, including `/`: `backbone/*`. They apply to
   * weights and to batch norm statistics alike.
   */
  readonly names: string | readonly string[];
  /** The first iteration in which the variables are trained, or the number of epochs before it: `1000`, `{ epochs: 3 }`. @default never */
  readonly until?: Period | undefined;
}

/** Options of the plugin. */
export interface FreezeOptions {
  /** The rules. A variable with several rules is frozen as long as any of them applies. */
  readonly rules: readonly FreezeRule[];
}
