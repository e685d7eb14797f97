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
/** Metrics of one request, at most. */
const MOST_METRICS = 1000;
/** How often a sending is tried again; then the next period tries. */
const RETRIES = 2;
/** The service of a DefaultTrainer, by its name: plugins import no trainer. */
const configRef = defineService<object>('config', { description: 'the complete config' });

const STATUS: Readonly<Record<string, RunStatus>> = {
  completed: 'FINISHED',
  stopped: 'FINISHED',
  interrupted: 'KILLED',
  failed: 'FAILED',
};

/**
 * Sends metrics, parameters and the end of a run to an MLflow tracking server, beside the steps. A server that is slow or down holds no step
 * up: what was not sent stays in a file of the run's folder, and is sent later, also when the run goes on in another process.
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
  // All ranks have the same losses and metrics.
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
    /** Which run it is; a checkpoint says so. */
    let key: string | undefined;
    let box: Outbox | undefined;
    let isQueued = false;

    const open = async (name: string, plan?: RunPlan): Promise<Outbox | undefined> => {
      const opened = await Outbox.open(folder, name, plan);
      if (opened !== undefined && opened.broken > 0)
        logger.warn(
          `${opened.broken} messages were cut off by a full disk; what is left of them is in mlflow/${name}.refused.jsonl`,
        );
      return opened;
    };
    /** Queues the sending of an outbox, of the run's own where that is not queued already. */
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
    /** Puts what is new into the outbox. */
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
    // What a checkpoint holds is on disk: after resuming from it nothing before it is missing.
    hooks.saveState.tap(collect);
    hooks.afterTrain.tap(async ({ status }) => {
      await collect();
      if (box === undefined) return;
      await box.add({ status: STATUS[status] ?? 'FINISHED', time: Date.now() });
      // A task that is under way takes it along, and another one sends what that leaves.
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
          logger.warn(`${left} messages are not sent; they are in ${folder} and are sent when the run goes on`);
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
