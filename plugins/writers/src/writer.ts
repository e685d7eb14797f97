import {
  asyncSeriesSettled,
  defineHooks,
  type HistogramEvent,
  type ImageEvent,
  type RunContext,
  type ScalarEvent,
} from '@hookline/core';

/** The events that were put into the storage since the last write. */
export interface WriteBatch {
  /** Iteration in progress; `maxIterations` after a complete training. */
  readonly iteration: number;
  /** In the order of iterations. They may belong to iterations that were written before. */
  readonly scalars: readonly ScalarEvent[];
  readonly images: readonly ImageEvent[];
  readonly histograms: readonly HistogramEvent[];
  /** Whether this is one of the regular writes, at each period and at the last step. It is false before a checkpoint and at the end, when all events must be on disk. */
  readonly periodic: boolean;
}

/** The run for which a writer is opened. */
export interface WriterRun extends RunContext {
  /** Returns the path of a file in the run's folder, and creates the folders above it. */
  readonly file: (...segments: string[]) => Promise<string>;
}

/**
 * Writes events to a place where people or tools read them. Each event is passed once.
 *
 * A writer that throws is not called again in this run; the option `onError` decides whether the training ends.
 */
export interface Writer {
  /** For error messages. */
  readonly name: string;
  /** For error messages: the file or address to which it writes, if known. */
  readonly target?: string | undefined;
  /** Called once, before the first step. */
  open?(run: WriterRun): void | Promise<void>;
  write(batch: WriteBatch): void | Promise<void>;
  /** Called once, whatever the outcome, even if `open` or `write` has failed. */
  close?(): void | Promise<void>;
}

/**
 * Hooks that this plugin adds: `write` is called with every batch, after the plugin's own writers. A plugin that
 * writes elsewhere lists this token in `requires` and taps it; it opens in `beforeTrain` and closes in `dispose`.
 */
export const writersHooks = defineHooks('@hookline/plugin-writers', {
  write: asyncSeriesSettled<[batch: WriteBatch]>(['batch'], 'write what was put since the last call'),
});
