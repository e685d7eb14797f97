import { basename, dirname, extname, join } from 'node:path';
import {
  commRef,
  definePlugin,
  describeCause,
  HooklineError,
  loggerRef,
  outputRef,
  type StepContext,
  tapsRef,
  writeFileAtomically,
} from '@hookline/core';
import { optionsSchema } from './options.ts';
import { StepRecorder } from './step-recorder.ts';
import { timeTable } from './time-table.ts';
import { Trace } from './trace.ts';

/**
 * Measures how some steps spend their time: waiting for data, the step runner, and each plugin's taps. At the end it
 * logs a table and writes a Chrome trace (detectron2's profiler hooks). Outside the measured steps, nothing is observed.
 */
export const profiler = definePlugin({
  name: '@hookline/plugin-profiler',
  version: '0.1.0',
  description: 'time per plugin and hook, Chrome trace',
  options: optionsSchema,
  before: [
    'timing',
    'schedule',
    'gradients',
    'averaging',
    'statistics',
    'checkpointing',
    'evaluation',
    'metrics',
    'stopping',
    'writing',
  ],
  requires: { taps: tapsRef, output: outputRef, logger: loggerRef, comm: commRef },
  setup({ hooks, taps, output, logger, comm }, { start, steps, when, trace: file, maxEvents }) {
    const isMeasured =
      when ??
      (({ iteration, startIteration }: StepContext) => {
        const step = iteration - startIteration;
        return step >= start && step < start + steps;
      });
    const trace = new Trace(file === false ? 0 : maxEvents);
    const recorder = new StepRecorder(trace);
    let unwatch: (() => void) | undefined;

    const stop = (): void => {
      if (unwatch === undefined) return;
      unwatch();
      unwatch = undefined;
      recorder.stop();
    };
    const writeTrace = async (): Promise<void> => {
      if (file === false) return;
      const path = await output.file(comm.rank === 0 ? file : ofRank(file, comm.rank));
      try {
        await writeFileAtomically(path, trace.toJson());
      } catch (cause) {
        throw new HooklineError('HKL_TRACE_FAILED', `cannot write ${path}: ${describeCause(cause)}`, {
          who: '@hookline/plugin-profiler',
          fix: 'Make room, or change the option trace',
          cause,
        });
      }
      if (trace.dropped > 0)
        logger.warn(`${trace.dropped} events did not fit into ${path}; raise maxEvents or measure fewer steps`);
      logger.info(`The trace is in ${path}; open it with https://ui.perfetto.dev or chrome://tracing.`);
    };

    hooks.beforeStep.tap((step) => {
      if (!isMeasured(step)) {
        stop();
        return;
      }
      unwatch ??= taps.observe(recorder);
      recorder.begin(step);
    });
    hooks.afterStep.tap((_, output) => {
      if (unwatch !== undefined) recorder.stepDone(output);
    });
    hooks.afterTrain.tap(async () => {
      stop();
      if (recorder.steps === 0) {
        logger.info(
          'No step was measured; the training ended before the steps of the options start and steps, or when.',
        );
        return;
      }
      logger.info(timeTable(recorder.totals, recorder.steps));
      await writeTrace();
    });
    return { dispose: stop };
  },
});

/** The file name on ranks other than the first: `trace.json` becomes `trace-rank1.json`. */
function ofRank(file: string, rank: number): string {
  const extension = extname(file);
  return join(dirname(file), `${basename(file, extension)}-rank${rank}${extension}`);
}
