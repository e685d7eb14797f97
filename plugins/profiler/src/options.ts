import { documentedOptions } from '@hookline/core';
import type { StepContext } from '@hookline/core';
import { z } from 'zod';

export const optionsSchema = documentedOptions<ProfilerOptions>()(
  z.strictObject({
    start: z.int().nonnegative().default(10),
    steps: z.int().positive().default(20),
    when: z
      .custom<(step: StepContext) => boolean>((value) => typeof value === 'function', 'must be a function')
      .optional(),
    trace: z.union([z.string().min(1), z.literal(false)]).default('trace.json'),
    maxEvents: z.int().positive().default(100_000),
  }),
);

/** Options of {@link profiler}. */
export interface ProfilerOptions {
  /**
   * Number of steps before the first measured one, because the first steps are slower than the rest.
   * @default 10
   */
  start?: number;
  /**
   * Number of measured steps.
   * @default 20
   */
  steps?: number;
  /**
   * Selects the steps to measure, instead of `start` and `steps`.
   * @default undefined
   */
  when?: (step: StepContext) => boolean;
  /**
   * The Chrome trace file in the run's folder, or false for none.
   * @default 'trace.json'
   */
  trace?: string | false;
  /**
   * Largest number of events in the trace file; the table includes all events.
   * @default 100000
   */
  maxEvents?: number;
}
