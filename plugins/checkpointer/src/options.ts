import { z } from 'zod';

const prefix = z.string().regex(/^[^./\\][^/\\]*$/, 'must be a plain file name');

export const checkpointerOptions = z.strictObject({
  /** Iterations between checkpoints; 0 saves none on the way. @default 5000 */
  period: z.int().nonnegative().default(5000),
  /** Minutes between further checkpoints, by the clock, counted from the last one; 0 saves none. @default 0 */
  periodMinutes: z.number().nonnegative().default(0),
  /** How many numbered checkpoints are kept, the newest ones. @default all */
  maxToKeep: z.int().positive().optional(),
  /** What file names begin with: `model_0000099`, `model_final`. @default 'model' */
  prefix: prefix.default('model'),
  /** Whether to save `<prefix>_final` after the last iteration. @default true */
  final: z.boolean().default(true),
  /** Whether to save when the training is stopped or interrupted, or fails for another reason than its weights. @default true */
  onStop: z.boolean().default(true),
  /**
   * Whether steps go on while a checkpoint is written, of a copy. A run waits only where the next one comes before that, and at its
   * end; of several ranks it always waits.
   * @default true
   */
  async: z.boolean().default(true),
});

export type CheckpointerOptions = z.input<typeof checkpointerOptions>;

export const bestCheckpointerOptions = z.strictObject({
  /** Name of the scalar to go by, such as `accuracy` or `bbox/AP`. */
  metric: z.string().min(1),
  /** Whether higher or lower is better. @default 'max' */
  mode: z.enum(['max', 'min']).default('max'),
  /**
   * How many of the best checkpoints are kept. From 2 on each has the iteration in its name, `model_best_0000099`, and the file
   * `model_best.json` lists them, the best one first.
   * @default 1
   */
  keep: z.int().positive().default(1),
  /** Name of the file. @default 'model_best' */
  prefix: prefix.default('model_best'),
});

export type BestCheckpointerOptions = z.input<typeof bestCheckpointerOptions>;
