import { randomUUID } from 'node:crypto';
import { basename, join } from 'node:path';
import {
  backgroundRef,
  definePlugin,
  defineService,
  defineState,
  epochsRef,
  HooklineError,
  loggerRef,
  optional,
  type Outcome,
  outputRef,
  storageRef,
} from '@hookline/core';
import { z } from 'zod';
import { flattenParams, mlflowName } from './flatten-params.ts';
import { MlflowClient, type MlflowMetric, type RunStatus } from './mlflow-client.ts';
import { optionsSchema } from './options.ts';
import { Outbox, type RunPlan } from './outbox.ts';
import { send } from './sender.ts';

const PLUGIN_NAME = '@hookline/plugin-mlflow';
/** The folder of the outboxes in the run's folder. */
const FOLDER = 'mlflow';
/** Largest number of metrics per request. */
const MOST_METRICS = 1000;
/** Number of retries; afterwards the next period tries again. */
const RETRIES = 2;
/** The config service of a DefaultTrainer, defined here by its name, because plugins must not import a trainer. */
const configRef = defineService<object>('config', { description: 'the complete config' });

const STATUS: Readonly<Record<Outcome['status'], RunStatus>> = {
  completed: 'FINISHED',
  stopped: 'FINISHED',
  interrupted: 'KILLED',
  failed: 'FAILED',
};

/**
 * Sends metrics, parameters and the final status of a run to an MLflow tracking server in the background. No step waits for a server that is slow or down:
 * unsent messages stay in a file in the run's folder and are sent later, even if the run is resumed in another process.
 *
 * @example mlflow({ url: 'http://localhost:5000', experiment: 'digits' })
 */
export const mlflow = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'sends metrics and parameters to an MLflow server',
  options: optionsSchema,
  after: ['timing', 'schedule', 'averaging', 'statistics', 'checkpointing', 'evaluation', 'metrics', 'stopping'],
  provides: ['writing'],
  // The first rank is enough, because all ranks have the same losses and metrics.
  ranks: 'first',
  requires: {
    storage: storageRef,
    output: outputRef,
    logger: loggerRef,
    background: backgroundRef,
    epochs: epochsRef,
    config: optional(configRef),
  },
  setup({ hooks, storage, output, logger, background, epochs, config }, options) {
    const { experiment, tags, timeout } = options;
    const url = options.url ?? process.env['MLFLOW_TRACKING_URI'];
    if (url === undefined || !/^https?:/.test(url)) throw noServer(url);
    const isPeriodOver = epochs.every(options.period, 'period');
    const client = new MlflowClient(url);
    const reader = storage.reader();
    const folder = join(output.dir, FOLDER);
    /** The key of the run, which checkpoints save. */
    let key: string | undefined;
    let box: Outbox | undefined;
    let isQueued = false;

    const open = async (name: string, plan?: RunPlan): Promise<Outbox | undefined> => {
      const opened = await Outbox.open(folder, name, plan);
      if (opened !== undefined && opened.broken > 0)
        logger.warn(
          `a full disk has truncated ${opened.broken} messages; the rest of them is in mlflow/${name}.refused.jsonl`,
        );
      return opened;
    };
    /** Queues the sending of an outbox; the run's own outbox is not queued twice. */
    const ship = (outbox: Outbox): void => {
      const isOwn = outbox === box;
      if (isOwn && isQueued) return;
      if (isOwn) isQueued = true;
      let attempts = 0;
      background.add(
        `send to ${url}`,
        async (signal) => {
          attempts++;
          try {
            await send(outbox, client, logger, signal);
            if (isOwn) isQueued = false;
            else await outbox.close();
          } catch (error) {
            if (isOwn && attempts > RETRIES) isQueued = false;
            throw error;
          }
        },
        { timeout: timeout * 1000, retries: RETRIES },
      );
    };
    /** Adds new metrics to the outbox. */
    const collect = async (): Promise<void> => {
      if (box === undefined) return;
      await storage.resolve();
      const timestamp = Date.now();
      const metrics = reader.read().scalars.map(({ name, value, iteration }): MlflowMetric => ({
        key: mlflowName(name),
        value: Number.isFinite(value) ? value : Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity',
        timestamp,
        step: iteration,
      }));
      for (let from = 0; from < metrics.length; from += MOST_METRICS)
        await box.add({ metrics: metrics.slice(from, from + MOST_METRICS) });
    };

    hooks.beforeTrain.tap(async () => {
      const plan = {
        experiment,
        name: options.runName ?? basename(output.dir),
        startTime: Date.now(),
        tags,
        params: flattenParams(options.params ?? config ?? {}),
      };
      key ??= randomUUID();
      box = await open(key, plan);
      for (const other of await Outbox.keys(folder)) {
        if (other === key) continue;
        const left = await open(other);
        if (left !== undefined && left.messages.length > 0) ship(left);
      }
      if (box === undefined) return;
      await box.add({ status: 'RUNNING', time: Date.now() });
      ship(box);
    });
    hooks.afterStep.tap(({ iteration }) => {
      if (!isPeriodOver(iteration + 1)) return undefined;
      return collect().then(() => box && ship(box));
    });
    // Write to disk before a checkpoint is saved, so that nothing before it is missing after a resume.
    hooks.saveState.tap(collect);
    hooks.afterTrain.tap(async ({ status }) => {
      await collect();
      if (box === undefined) return;
      await box.add({ status: STATUS[status], time: Date.now() });
      // A running task also sends the new messages; another task sends the rest.
      isQueued = false;
      ship(box);
    });
    return {
      state: defineState({
        schema: z.object({
          key: z
            .string()
            .regex(/^[\w-]+$/)
            .nullable(),
        }),
        optional: true,
        save: () => ({ key: key ?? null }),
        load: (saved) => {
          key = saved.key ?? undefined;
          reader.skip();
        },
        reset: () => {
          key = undefined;
          reader.skip();
        },
      }),
      async dispose() {
        reader.close();
        const left = box?.messages.length ?? 0;
        await box?.close();
        if (left > 0)
          logger.warn(
            `${left} messages were not sent; they are kept in ${folder} and will be sent when the run is resumed`,
          );
      },
    };
  },
});

function noServer(url: string | undefined): HooklineError {
  return new HooklineError('HKL_MLFLOW_SERVER', `its server is ${url ?? 'not given'}`, {
    who: PLUGIN_NAME,
    fix: "Give the option url, such as 'http://localhost:5000', or set MLFLOW_TRACKING_URI to it",
  });
}
