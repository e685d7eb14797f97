import { relative } from 'node:path';
import {
  checkpointsRef,
  definePlugin,
  defineState,
  evaluationRef,
  loggerRef,
  type Outcome,
  type Results,
} from '@hookline/core';
import { z } from 'zod';
import { KeptCheckpoints } from './kept-checkpoints.ts';
import { checkpointerOptions } from './options.ts';

const PLUGIN_NAME = '@hookline/plugin-checkpointer';

/**
 * Saves the whole state periodically, at the end, and when the training is stopped.
 *
 * @example checkpointer({ period: 1000, maxToKeep: 3 })
 */
export const checkpointer = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'saves periodically, at the end and when stopped',
  options: checkpointerOptions,
  provides: ['checkpointing'],
  after: ['timing', 'schedule', 'averaging', 'statistics'],
  // A failing evaluation then leaves a checkpoint.
  before: ['evaluation', 'writing'],
  requires: { checkpoints: checkpointsRef, evaluation: evaluationRef, logger: loggerRef },
  setup({ hooks, checkpoints, evaluation, logger }, { period, maxToKeep, prefix, final, onStop }) {
    const kept = new KeptCheckpoints(checkpoints, logger);
    let startIteration = 0;
    /** Iterations done when it was saved last. */
    let savedAt = -1;
    let savedName = '';
    let savedPath = '';
    /** The last evaluation that it holds. */
    let savedResults: Results | undefined;

    const isStale = (): boolean => savedResults !== evaluation.latest;
    /** @param atEnd whether an evaluation may come that it does not hold yet; it is then saved again, as the last thing */
    const save = async (name: string, done: number, atEnd = false): Promise<void> => {
      savedResults = evaluation.latest;
      savedPath = shown(await checkpoints.save(name, atEnd ? { renewIf: isStale } : {}));
      savedName = name;
      savedAt = done;
      logger.info(`saved ${savedPath}`);
    };
    const saveNumbered = async (done: number, atEnd = false): Promise<void> => {
      const name = `${prefix}_${String(done - 1).padStart(7, '0')}`;
      // Before saving, so that the checkpoint knows of itself when a resumed run counts what to keep.
      kept.add(name);
      await save(name, done, atEnd);
      if (maxToKeep !== undefined) await kept.prune(maxToKeep);
    };
    /** The one of the last step came before the evaluation of that step, which going on from there would make again. */
    const renew = async (): Promise<void> => {
      savedResults = evaluation.latest;
      await checkpoints.save(savedName, { renewIf: isStale });
    };
    const onEnd = async ({ status, iteration, reason }: Outcome): Promise<void> => {
      if (status === 'completed') {
        // afterStep has saved it, unless the last step was skipped.
        if (savedAt === iteration && isStale()) await renew();
        else if (savedAt !== iteration && final) await save(`${prefix}_final`, iteration, true);
      }
      if (!onStop || (status !== 'stopped' && status !== 'interrupted')) return;
      if (iteration === startIteration) return;
      if (savedAt === iteration) await renew();
      else await saveNumbered(iteration, true);
      logger.info(
        `${status} after ${iteration} iterations (${reason}): everything is in ${savedPath}. ` +
          'To go on, run the same command with --resume (in code: await trainer.resumeOrLoad())',
      );
    };

    hooks.beforeTrain.tap((run) => {
      startIteration = run.startIteration;
    });
    hooks.afterStep.tap(({ iteration, maxIterations }) => {
      const done = iteration + 1;
      if (final && done === maxIterations) return save(`${prefix}_final`, done);
      if (period > 0 && done % period === 0) return saveNumbered(done);
      return undefined;
    });
    hooks.afterTrain.tap(onEnd);
    return {
      state: defineState({
        schema: z.array(z.string().regex(/^[^./\\][^/\\]*$/, 'must be the name of a checkpoint without folders')),
        optional: true,
        save: () => [...kept.names],
        load: (names) => kept.load(names),
        reset: () => kept.load([]),
      }),
    };
  },
});

const shown = (path: string): string => {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
};
