import { documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const anomalyGuardSchema = documentedOptions<AnomalyGuardOptions>()(
  z.strictObject({
    loss: z.enum(['skip', 'stop', 'raise']).default('skip'),
    gradients: z.enum(['off', 'warn', 'skip', 'stop', 'raise']).default('warn'),
    spike: z.enum(['off', 'warn', 'stop', 'raise']).default('warn'),
    factor: z.number().gt(1).default(3),
    window: z.int().min(2).default(100),
    minHistory: z.int().min(2).default(20),
    maxSkips: z.int().min(1).default(5),
    period: z.int().min(1).default(20),
    maxReports: z.int().min(0).default(20),
  }),
);

/** Options of `anomalyGuard`. */
export interface AnomalyGuardOptions {
  /** The reaction to a loss that is NaN or infinite: skip the step, stop gracefully, or end with the error. @default 'skip' */
  readonly loss?: 'skip' | 'stop' | 'raise';
  /**
   * The reaction to gradients that are NaN or infinite although the loss is finite. `skip` keeps weights and optimizer unchanged; the
   * device decides this, so the host does not wait for it. `warn` continues without the step; if the step runner does not check gradients
   * (`checkFinite`), the step has changed the weights by then.
   * @default 'warn'
   */
  readonly gradients?: 'off' | 'warn' | 'skip' | 'stop' | 'raise';
  /** The reaction to a loss that is far above the previous ones. @default 'warn' */
  readonly spike?: 'off' | 'warn' | 'stop' | 'raise';
  /** A loss above this multiple of the median of the window is a spike. @default 3 */
  readonly factor?: number;
  /** Number of losses in the window. @default 100 */
  readonly window?: number;
  /** Number of losses without which no loss counts as a spike. @default 20 */
  readonly minHistory?: number;
  /** Number of successive steps that may be skipped; one more is an error. @default 5 */
  readonly maxSkips?: number;
  /** Number of steps between two reads of values that are still on the device. Values that the runner has read anyway are checked at once. @default 20 */
  readonly period?: number;
  /** Largest number of reports that are written. @default 20 */
  readonly maxReports?: number;
}
