import { describeCause, type Logger } from '@hookline/core';
import { type MlflowClient, RefusedError } from './mlflow-client.ts';
import type { Outbox } from './outbox.ts';

/** Tag by which a run is found if its id was lost. */
const KEY_TAG = 'hookline.key';

/** Sends the messages of an outbox, in order. Messages that the server rejects are moved to another file and logged. @throws the errors of the server or of the connection */
export async function send(box: Outbox, client: MlflowClient, logger: Logger, signal: AbortSignal): Promise<void> {
  const run = box.record.run ?? (await makeRun(box, client, signal));
  if (box.record.hasParams !== true) {
    try {
      await client.logParams(run, box.record.params, signal);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      logger.warn(`the server refuses the parameters of the run: ${describeCause(error)}`);
    }
    await box.update({ hasParams: true });
  }
  for (let message = box.messages[0]; message !== undefined; message = box.messages[0]) {
    try {
      if ('metrics' in message) await client.logMetrics(run, message.metrics, signal);
      else await client.setStatus(run, message.status, message.time, signal);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      logger.warn(
        `the server refuses a message, which is put aside in mlflow/${box.key}.refused.jsonl: ${describeCause(error)}`,
      );
      await box.refused();
      continue;
    }
    await box.sent();
  }
}

async function makeRun(box: Outbox, client: MlflowClient, signal: AbortSignal): Promise<string> {
  const { experiment: name, name: runName, startTime, tags, isAsked } = box.record;
  const experiment = await client.experiment(name, signal);
  // The answer to an earlier attempt may have been lost.
  const made = isAsked === true ? await client.findRun(experiment, KEY_TAG, box.key, signal) : undefined;
  if (made === undefined) await box.update({ isAsked: true });
  const all = { ...tags, [KEY_TAG]: box.key, 'mlflow.source.name': 'hookline' };
  const run = made ?? (await client.createRun({ experiment, name: runName, startTime, tags: all }, signal));
  await box.update({ run });
  return run;
}
