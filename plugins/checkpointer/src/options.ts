import { isPeriod, type Period, PERIOD_RULE, documentedOptions } from '@hookline/core';
import { z } from 'zod';

const prefix = z.string().regex(/^[^./\\][^/\\]*$/, 'must be a plain file name');

export const checkpointerOptions = documentedOptions<CheckpointerOptions>()(
  z.strictObject({
    period: z.custom<Period>(isPeriod, PERIOD_RULE).default(5000),
    periodMinutes: z.number().nonnegative().default(0),
    maxToKeep: z.int().positive().optional(),
    prefix: prefix.default('model'),
    final: z.boolean().default(true),
    onStop: z.boolean().default(true),
    async: z.boolean().default(true),
  }),
);

/** Options of `checkpointer`. */
export interface CheckpointerOptions {
  /** Iterations, or epochs, between checkpoints: `1000`, `{ epochs: 1 }`; 0 saves no periodic checkpoints. @default 5000 */
  readonly period?: Period;
  /** Minutes after the last checkpoint until an additional one, by the clock; 0 saves none. @default 0 */
  readonly periodMinutes?: number | undefined;
  /** Number of numbered checkpoints to keep, the newest ones. @default all */
  readonly maxToKeep?: number | undefined;
  /** Prefix of the file names: `model_0000099`, `model_final`. @default 'model' */
  readonly prefix?: string;
  /** Whether to save `<prefix>_final` after the last iteration. @default true */
  readonly final?: boolean;
  /** Whether to save when the training is stopped or interrupted, or fails for a reason other than its weights. @default true */
  readonly onStop?: boolean;
  /**
   * Whether training continues while a checkpoint is written from a copy of the state. The run waits for it only before an evaluation, before
   * the next checkpoint, and at its end; with several ranks it always waits.
   * @default true
   */
  readonly async?: boolean;
}

export const bestCheckpointerOptions = documentedOptions<BestCheckpointerOptions>()(
  z.strictObject({
    metric: z.string().min(1),
    mode: z.enum(['max', 'min']).default('max'),
    keep: z.int().positive().default(1),
    prefix: prefix.default('model_best'),
  }),
);

/** Options of `bestCheckpointer`. */
export interface BestCheckpointerOptions {
  /** Name of the scalar to watch, such as `accuracy` or `bbox/AP`. */
  readonly metric: string;
  /** Whether higher or lower is better. @default 'max' */
  readonly mode?: 'max' | 'min';
  /**
   * Number of best checkpoints to keep. From 2 on, each has the iteration in its name, `model_best_0000099`, and the file
   * `model_best.json` lists them, the best one first.
   * @default 1
   */
  readonly keep?: number;
  /** Name of the file. @default 'model_best' */
  readonly prefix?: string;
}
