import {
  asyncSeriesSettled,
  defineHooks,
  type HistogramEvent,
  type ImageEvent,
  type RunContext,
  type ScalarEvent,
} from '@hookline/core';

/** What was put into the storage since the last writing. */
export interface WriteBatch {
  /** Iteration in progress; `maxIterations` after a complete training. */
  readonly iteration: number;
  /** By rising iteration. They may belong to iterations that were written before. */
  readonly scalars: readonly ScalarEvent[];
  readonly images: readonly ImageEvent[];
  readonly histograms: readonly HistogramEvent[];
  /** Whether this is one of the regular writings, at the period and the last step; false where something only asks for everything to be on disk. */
  readonly periodic: boolean;
}

/** What a writer is opened with. */
export interface WriterRun extends Pick<RunContext, 'startIteration' | 'maxIterations' | 'storage'> {
  /** The path of a file in the run's folder, with the folders above it made. */
  readonly file: (...segments: string[]) => Promise<string>;
}

/**
 * Brings events to where people or tools read them. Each event comes once.
 *
 * A writer that throws is not called again in this run; what happens to the training is up to the option `onError`.
 */
export interface Writer {
  /** For error messages. */
  readonly name: string;
  /** For error messages: what it writes to, where known. */
  readonly target?: string | undefined;
  /** Called once, before the first step. */
  open?(run: WriterRun): void | Promise<void>;
  write(batch: WriteBatch): void | Promise<void>;
  /** Called once, whatever the outcome, also when `open` or `write` failed. */
  close?(): void | Promise<void>;
}

/**
 * Hooks that this plugin adds: `write` is called with every batch, after the plugin's own writers. A plugin that
 * writes elsewhere lists this token in `requires` and taps it; it opens in `beforeTrain` and closes in `dispose`.
 */
export const writersHooks = defineHooks('@hookline/plugin-writers', {
  write: asyncSeriesSettled<[batch: WriteBatch]>(['batch'], 'write what was put since the last call'),
});
