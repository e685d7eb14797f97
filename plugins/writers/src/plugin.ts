import {
  definePlugin,
  defineState,
  epochsRef,
  loggerRef,
  outputRef,
  runAll,
  type RunContext,
  storageRef,
} from '@hookline/core';
import { z } from 'zod';
import { ProgressDisplay } from './console/progress.ts';
import { RemainingTime } from './console/remaining-time.ts';
import { GuardedWriter } from './guarded-writer.ts';
import { makeWriters } from './make-writers.ts';
import { optionsSchema } from './options.ts';
import { writersHooks } from './writer.ts';

/**
 * Writes the content of the storage to the console, to JSON lines, to TensorBoard and to other writers
 * (detectron2's PeriodicWriter), every `period` iterations, after the last step, before each checkpoint and at the end.
 */
export const writers = definePlugin({
  name: '@hookline/plugin-writers',
  version: '0.1.0',
  description: 'console, progress line, JSON lines and TensorBoard',
  options: optionsSchema,
  after: ['timing', 'schedule', 'averaging', 'statistics', 'checkpointing', 'evaluation', 'metrics', 'stopping'],
  provides: ['writing'],
  // The first rank is enough, because all ranks have the same losses and metrics.
  ranks: 'first',
  requires: { storage: storageRef, output: outputRef, logger: loggerRef, epochs: epochsRef },
  hooks: writersHooks,
  setup({ hooks, own, storage, output, logger, epochs }, options) {
    const isPeriodOver = epochs.every(options.period, 'period');
    const { progress, onError, windowSize } = options;
    const live = progress !== false && logger.live;
    const reader = storage.reader();
    const remaining = new RemainingTime();
    let eta: number | undefined;
    /** Names of the metrics that steps have reported in addition to their losses. */
    const metrics = new Set<string>();
    const all = makeWriters(options, logger, () => eta, live, metrics).map(
      (writer) => new GuardedWriter(writer, onError === 'warn' ? logger : undefined),
    );
    const refresh = typeof progress === 'object' ? progress.refresh : 200;
    const display = live ? new ProgressDisplay(logger, storage, { refresh, windowSize, metrics }) : undefined;
    let run: RunContext | undefined;

    const resolved = async (): Promise<void> => {
      await storage.resolve();
    };
    /** Passes all new events to all writers, even if one of them fails. */
    const flush = async (iteration: number, periodic: boolean): Promise<void> => {
      const context = run;
      if (context === undefined) return;
      // Values that could not be read from the device are an error, but everything else is still written.
      await runAll([resolved, () => write(iteration, periodic, context)]);
    };
    const write = async (iteration: number, periodic: boolean, context: RunContext): Promise<void> => {
      if (periodic) eta = remaining.estimate(storage, iteration, context);
      const { scalars, images, histograms, dropped } = reader.read();
      if (dropped > 0) logger.warn(`${dropped} events were dropped before they could be written; use a shorter period`);
      if (!periodic && scalars.length + images.length + histograms.length === 0) return;
      const batch = { iteration, scalars, images, histograms, periodic };
      await runAll([...all.map((writer) => () => writer.write(batch)), () => own.write.call(batch)]);
    };

    hooks.beforeTrain.tap(async (context) => {
      run = context;
      const file = (...segments: string[]): Promise<string> => output.file(...segments);
      await runAll(all.map((writer) => () => writer.open({ ...context, file })));
    });
    hooks.afterStep.tap((step, { metrics: reported }) => {
      for (const name in reported) metrics.add(name);
      const { iteration, maxIterations } = step;
      const due = isPeriodOver(iteration + 1) || iteration + 1 === maxIterations;
      if (!due && display?.isDue(step) !== true) return undefined;
      return (async () => {
        if (due) await flush(iteration, true);
        else await resolved();
        display?.show(step);
      })();
    });
    // Write before a checkpoint is saved, so that nothing before it is missing after a resume.
    hooks.saveState.tap(() => flush(storage.iteration, false));
    hooks.afterTrain.tap(async ({ iteration }) => {
      display?.clear();
      await flush(iteration, false);
    });
    return {
      // The files are the state. Everything stored before the checkpoint has been written.
      state: defineState({
        schema: z.null(),
        optional: true,
        save: () => null,
        load: () => reader.skip(),
        reset: () => reader.skip(),
      }),
      async dispose() {
        display?.clear();
        try {
          await runAll([() => flush(storage.iteration, false), ...all.map((writer) => () => writer.close())]);
        } finally {
          reader.close();
        }
      },
    };
  },
});
