import { documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const gradientClippingSchema = documentedOptions<GradientClippingOptions>()(
  z.strictObject({
    type: z.enum(['value', 'norm', 'global-norm']).default('value'),
    clip: z.number().positive().default(1),
    norm: z.union([z.number().min(1), z.literal([Infinity, 'inf'])]).default(2),
    metric: z.union([z.boolean(), z.string().min(1)]).default(false),
  }),
);

/** Options of `gradientClipping`. */
export interface GradientClippingOptions {
  /**
   * What is clipped: each element (`value`), the norm of each parameter's gradient (`norm`), or the norm of all
   * gradients together (`global-norm`).
   * @default 'value'
   */
  readonly type?: 'value' | 'norm' | 'global-norm';
  /** The limit: of an element's magnitude, or of the norm. @default 1 */
  readonly clip?: number;
  /** The p of the p-norm; `'inf'` takes the largest magnitude. The type `value` does not use it. @default 2 */
  readonly norm?: number | 'inf';
  /**
   * Stores the norm of all gradients, before they are clipped, as `grad_norm` or under the name given here. It stays
   * on the device until it is read.
   * @default false
   */
  readonly metric?: boolean | string;
}
