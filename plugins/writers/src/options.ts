import { isPositivePeriod, type Period, PERIOD_RULE, documentedOptions } from '@hookline/core';
import { z } from 'zod';
import type { Writer } from './writer.ts';

const values = z.enum(['all', 'latest']);
const isWriter = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && typeof (value as Partial<Writer>).write === 'function';

/** Either a boolean or options; `true` means the defaults. */
const switchable = <S extends z.ZodType>(schema: S): z.ZodUnion<[z.ZodBoolean, S]> => z.union([z.boolean(), schema]);

export const optionsSchema = documentedOptions<WritersOptions>()(
  z
    .strictObject({
      period: z.custom<Period>(isPositivePeriod, PERIOD_RULE).default(20),
      windowSize: z.int().positive().default(20),
      console: z.union([z.boolean(), z.literal('auto')]).default('auto'),
      progress: switchable(z.strictObject({ refresh: z.number().nonnegative().default(200) })).default(true),
      json: switchable(
        z.strictObject({ file: z.string().min(1).default('metrics.json'), values: values.default('all') }),
      ).default(true),
      csv: switchable(z.strictObject({ file: z.string().min(1).default('metrics.csv') })).default(false),
      tensorboard: switchable(z.strictObject({ dir: z.string().default('.'), values: values.default('all') })).default(
        true,
      ),
      writers: z
        .array(z.custom<Writer>(isWriter, 'must be a writer: { name, write(batch), open?(run), close?() }'))
        .readonly()
        .default([]),
      onError: z.enum(['throw', 'warn']).default('throw'),
    })
    .refine(({ csv, json }) => csv === false || json !== false, {
      path: ['csv'],
      message: 'is made from the JSON lines: leave json on',
    }),
);

/** Which values of each scalar a file contains; see {@link WritersOptions}. */
interface FileValues {
  /**
   * `all`: every value. `latest`: the newest value of each scalar at each write, as in detectron2, or the
   * median over `windowSize` iterations if it was stored with smoothing.
   * @default 'all'
   */
  values?: 'all' | 'latest' | undefined;
}

/** Options of {@link writers}. */
export interface WritersOptions {
  /**
   * Iterations, or epochs, between writes: `20`, `{ epochs: 1 }`.
   * @default 20
   */
  period?: Period;
  /**
   * Number of iterations for smoothing (detectron2's `window_size`): for the medians of the metrics line, of the progress
   * line and of files with `values: 'latest'`, and for the mean of `data_time`.
   * @default 20
   */
  windowSize?: number;
  /**
   * Whether to log a line of metrics at each period. `auto`: only if there is no terminal that shows the progress line.
   * @default 'auto'
   */
  console?: boolean | 'auto';
  /**
   * A progress line on a terminal, updated at most every `refresh` milliseconds.
   * @default true, with refresh 200
   */
  progress?: boolean | { refresh?: number | undefined };
  /**
   * JSON lines in `file` of the run's folder.
   * @default true, with file 'metrics.json'
   */
  json?: boolean | (FileValues & { file?: string | undefined });
  /**
   * A CSV table of all metrics in `file` of the run's folder, made from the JSON lines at the end of the training, with a row for each
   * iteration and a column for each scalar.
   * @default false; with file 'metrics.csv'
   */
  csv?: boolean | { file?: string | undefined };
  /**
   * TensorBoard event files in `dir` of the run's folder.
   * @default true, with dir '.'
   */
  tensorboard?: boolean | (FileValues & { dir?: string | undefined });
  /**
   * Further writers.
   * @default []
   */
  writers?: readonly Writer[];
  /**
   * Effect of a failing writer: `throw` ends the training with its error, `warn` continues without that writer.
   * @default 'throw'
   */
  onError?: 'throw' | 'warn';
}

/** The options with all defaults filled in. */
export type ResolvedWritersOptions = z.output<typeof optionsSchema>;
