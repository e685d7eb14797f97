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

/** Options of the anomaly guard. */
export interface AnomalyGuardOptions {
  /** What to do about a loss that is NaN or infinite: skip the step, stop gracefully, or end with the error. @default 'skip' */
  readonly loss?: 'skip' | 'stop' | 'raise';
  /**
   * What to do about gradients that are NaN or infinite although the loss is not. `skip` leaves weights and optimizer as
   * they were, decided on the device without waiting for it. `warn` goes on without the step, and with it where the step
   * runner does not check (`checkFinite`).
   * @default 'warn'
   */
  readonly gradients?: 'off' | 'warn' | 'skip' | 'stop' | 'raise';
  /** What to do about a loss that is far above those before. @default 'warn' */
  readonly spike?: 'off' | 'warn' | 'stop' | 'raise';
  /** How many times the median of the window a spike is. @default 3 */
  readonly factor?: number;
  /** Losses that the median is taken of. @default 100 */
  readonly window?: number;
  /** Losses that must have been seen before there can be a spike. @default 20 */
  readonly minHistory?: number;
  /** Steps in a row that may be skipped; one more is an error. @default 5 */
  readonly maxSkips?: number;
  /** Every how many steps to read what is still on the device. What the runner has read anyway is looked at at once. @default 20 */
  readonly period?: number;
  /** Reports that are written at most. @default 20 */
  readonly maxReports?: number;
}
