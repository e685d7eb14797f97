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
   * Steps of this run before the first measured one; the first ones are slower than the rest.
   * @default 10
   */
  start?: number;
  /**
   * How many steps are measured.
   * @default 20
   */
  steps?: number;
  /**
   * Which steps are measured, in place of `start` and `steps`.
   * @default undefined
   */
  when?: (step: StepContext) => boolean;
  /**
   * The Chrome trace file in the run's folder, or false for none.
   * @default 'trace.json'
   */
  trace?: string | false;
  /**
   * Events in the trace file at most; the table counts on.
   * @default 100000
   */
  maxEvents?: number;
}
