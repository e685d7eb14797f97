import { basename, extname } from 'node:path';
import {
  checkpointsRef,
  definePlugin,
  defineState,
  evaluationRef,
  loggerRef,
  MetricWatch,
  outputRef,
  storageRef,
} from '@hookline/core';
import { z } from 'zod';
import { readBestRecord, writeBestRecord } from './best-record.ts';
import { isBetter } from './is-better.ts';
import { bestCheckpointerOptions } from './options.ts';

const PLUGIN_NAME = '@hookline/plugin-checkpointer/best';

const bestValue = z.object({ value: z.number(), iteration: z.int().min(0) });
type Best = Readonly<z.output<typeof bestValue>>;

const savedState = z.object({
  best: bestValue.nullable(),
  /** Values of the metric that were looked at. */
  seen: z.int().min(0),
  metric: z.string(),
  mode: z.enum(['max', 'min']),
});

/**
 * Keeps the checkpoint with the best value of a metric.
 *
 * @example bestCheckpointer({ metric: 'accuracy' })
 * @example bestCheckpointer({ metric: 'val/loss', mode: 'min' })
 */
export const bestCheckpointer = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'keeps the checkpoint with the best value of a metric',
  options: bestCheckpointerOptions,
  after: ['evaluation', 'metrics'],
  before: ['writing'],
  requires: {
    checkpoints: checkpointsRef,
    evaluation: evaluationRef,
    logger: loggerRef,
    output: outputRef,
    storage: storageRef,
  },
  setup({ hooks, checkpoints, evaluation, logger, output, storage }, { metric, mode, prefix }) {
    const watch = new MetricWatch({ metric, storage, evaluation, logger });
    let best: Best | undefined;

    const recordFile = (): Promise<string> => output.file(`${prefix}.json`);
    const consider = async ({ value, iteration }: Best): Promise<void> => {
      if (!isBetter(value, best?.value, mode)) return;
      const before =
        best === undefined ? '' : `, before it was ${forPeople(best.value)} at iteration ${best.iteration}`;
      // Before saving, so that the checkpoint knows that it is the best one.
      best = { value, iteration };
      await checkpoints.save(prefix, { tag: false });
      await writeBestRecord(await recordFile(), { metric, mode, value, iteration });
      logger.info(`best ${metric} so far: ${forPeople(value)} at iteration ${iteration}${before}; saved as ${prefix}`);
    };
    const look = (): void | Promise<void> => {
      const samples = watch.look();
      if (samples instanceof Promise) return samples.then((values) => lastOf(values, consider));
      return lastOf(samples, consider);
    };

    /** A resumed checkpoint may be older than the best one, and must not lose against a worse one later. */
    const recall = async (): Promise<void> => {
      const record = await readBestRecord(await recordFile());
      if (record?.metric !== metric || record.mode !== mode || !isBetter(record.value, best?.value, mode)) return;
      const files = await checkpoints.list();
      if (!files.some((path) => basename(path, extname(path)) === prefix)) return;
      best = { value: record.value, iteration: record.iteration };
    };

    hooks.beforeTrain.tap(async ({ startIteration }) => {
      await watch.begin();
      if (startIteration > 0) await recall();
      // What an evaluation that is made up for gave belongs to the weights before the first step.
      await look();
    });
    hooks.afterStep.tap(() => {
      const looked = look();
      watch.warnWhereMissing();
      return looked;
    });
    hooks.afterTrain.tap(({ status }) => {
      // The evaluation after training. After a failure the weights may be anything.
      if (status === 'failed') return undefined;
      const looked = look();
      // What was interrupted may not have come to an evaluation.
      watch.warnWhereMissing(status !== 'interrupted');
      return looked;
    });
    return {
      // Without it the best value is recalled from its file.
      state: defineState({
        schema: savedState,
        optional: true,
        save: () => ({ best: best === undefined ? null : { ...best }, seen: watch.seen ?? 0, metric, mode }),
        load: (saved) => {
          if (saved.metric !== metric || saved.mode !== mode) {
            logger.warn(
              `starts afresh: the checkpoint followed ${saved.metric} (${saved.mode}), which says nothing of ${metric} (${mode})`,
            );
            return;
          }
          best = saved.best ?? undefined;
          watch.seen = saved.seen;
        },
        reset: () => {
          [best, watch.seen] = [undefined, undefined];
        },
      }),
    };
  },
});

/** The last of several new values: it alone belongs to the weights as they are. */
function lastOf(samples: readonly Best[], consider: (sample: Best) => Promise<void>): void | Promise<void> {
  const last = samples.at(-1);
  return last === undefined ? undefined : consider(last);
}

/** Four digits; `best.json` has them all. */
const forPeople = (value: number): string => String(Number(value.toPrecision(4)));
