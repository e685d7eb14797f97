import { relative } from 'node:path';
import {
  checkpointsRef,
  commRef,
  definePlugin,
  defineState,
  epochsRef,
  evaluationRef,
  isHooklineError,
  loggerRef,
  onFirstRank,
  type Outcome,
  type Results,
  type SaveOptions,
} from '@hookline/core';
import { z } from 'zod';
import { KeptCheckpoints } from './kept-checkpoints.ts';
import { checkpointerOptions } from './options.ts';

const PLUGIN_NAME = '@hookline/plugin-checkpointer';

/**
 * Saves the whole state periodically, at the end, and when the training is stopped or fails. After a failure that is
 * not about the weights, such as that of a tap or of the data, the checkpoint holds the state after the last whole step,
 * and resuming makes the step that failed again.
 *
 * @example checkpointer({ period: 1000, maxToKeep: 3 })
 */
export const checkpointer = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'saves periodically, at the end and when stopped or failed',
  options: checkpointerOptions,
  provides: ['checkpointing'],
  after: ['timing', 'schedule', 'averaging', 'statistics'],
  // A failing evaluation then leaves a checkpoint.
  before: ['evaluation', 'writing'],
  requires: {
    checkpoints: checkpointsRef,
    evaluation: evaluationRef,
    logger: loggerRef,
    comm: commRef,
    epochs: epochsRef,
  },
  setup({ hooks, checkpoints, evaluation, logger, comm, epochs }, options) {
    const { periodMinutes, maxToKeep, prefix, final, onStop } = options;
    const isDue = epochs.every(options.period, 'period');
    const kept = new KeptCheckpoints(checkpoints, logger, comm);
    let startIteration = 0;
    /** Iterations done when it was saved last. */
    let savedAt = -1;
    /** When, by the clock, in milliseconds. */
    let savedTime = performance.now();
    let savedName = '';
    let savedPath = '';
    /** The last evaluation that it holds. */
    let savedResults: Results | undefined;

    const isStale = (): boolean => savedResults !== evaluation.latest;
    const save = async (name: string, done: number, options?: SaveOptions): Promise<void> => {
      savedResults = evaluation.latest;
      savedPath = shown(await checkpoints.save(name, options));
      savedName = name;
      savedAt = done;
      savedTime = performance.now();
      logger.info(`saved ${savedPath}`);
    };
    const numbered = (done: number): string => `${prefix}_${String(done - 1).padStart(7, '0')}`;
    /** @param atEnd whether an evaluation may come that it does not hold yet; it is then saved again, as the last thing */
    const saveNumbered = async (done: number, atEnd = false): Promise<void> => {
      const name = numbered(done);
      // Before saving, so that the checkpoint knows of itself when a resumed run counts what to keep.
      kept.add(name);
      await save(name, done, atEnd ? { renewIf: isStale } : {});
      if (maxToKeep !== undefined) await kept.prune(maxToKeep);
    };
    const saveFailed = async ({ iteration, error }: Outcome): Promise<void> => {
      if (iteration === startIteration && savedAt < 0) return;
      if (isAboutWeights(error)) {
        logger.warn(`nothing is saved of this end, since the weights may be to blame. ${lastSaved()}`);
        return;
      }
      if (savedAt !== iteration) {
        const name = numbered(iteration);
        const before = kept.names;
        try {
          kept.add(name);
          // Good checkpoints that are there already stay: neither overwritten by bad weights nor pruned.
          await save(name, iteration, { finite: true });
        } catch (failure) {
          kept.load([...before]);
          if (!isHooklineError(failure, 'HKL_WEIGHTS_NOT_FINITE')) throw failure;
          logger.warn(`nothing is saved of this end: ${failure.message} ${lastSaved()}`);
          return;
        }
      }
      logger.info(
        `failed after ${counted(iteration)}: everything up to there is in ${savedPath}. ` +
          'When the cause is mended, run the same command with --resume (in code: await trainer.resumeOrLoad())',
      );
    };
    const lastSaved = (): string =>
      savedPath === '' ? 'This run has saved nothing before' : `The last one is ${savedPath}`;
    /** The one of the last step came before the evaluation of that step, which going on from there would make again. */
    const renew = async (): Promise<void> => {
      savedResults = evaluation.latest;
      await checkpoints.save(savedName, { renewIf: isStale });
    };
    const onEnd = async (outcome: Outcome): Promise<void> => {
      const { status, iteration, reason } = outcome;
      if (status === 'failed' && onStop) return saveFailed(outcome);
      if (status === 'completed') {
        // afterStep has saved it, unless the last step was skipped.
        if (savedAt === iteration && isStale()) await renew();
        else if (savedAt !== iteration && final) await save(`${prefix}_final`, iteration, { renewIf: isStale });
      }
      if (!onStop || (status !== 'stopped' && status !== 'interrupted')) return;
      if (iteration === startIteration) return;
      if (savedAt === iteration) await renew();
      else await saveNumbered(iteration, true);
      logger.info(
        `${status} after ${counted(iteration)} (${reason}): everything is in ${savedPath}. ` +
          'To go on, run the same command with --resume (in code: await trainer.resumeOrLoad())',
      );
    };

    hooks.beforeTrain.tap((run) => {
      startIteration = run.startIteration;
      savedTime = performance.now();
      // A numbered checkpoint is saved before older ones are deleted, so a run that was killed may go on from one that
      // still counts them.
      return maxToKeep === undefined ? undefined : kept.prune(maxToKeep);
    });
    hooks.afterStep.tap(({ iteration, maxIterations }) => {
      const done = iteration + 1;
      if (final && done === maxIterations) return save(`${prefix}_final`, done);
      if (isDue(done)) return saveNumbered(done);
      if (periodMinutes === 0) return undefined;
      const isTime = (): boolean => performance.now() - savedTime >= periodMinutes * 60_000;
      if (comm.size === 1) return isTime() ? saveNumbered(done) : undefined;
      // The clocks of the ranks differ, and all save together.
      return onFirstRank(comm, isTime, 'whether it is time to save').then((it) =>
        it ? saveNumbered(done) : undefined,
      );
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

/** Whether a training failed over its numbers: of a loss that is not finite, or an anomaly, the weights may be the cause. */
function isAboutWeights(error: unknown): boolean {
  if (isHooklineError(error, 'HKL_LOSS_NOT_FINITE') || isHooklineError(error, 'HKL_ANOMALY')) return true;
  return error instanceof Error && error.cause !== undefined && isAboutWeights(error.cause);
}

const shown = (path: string): string => {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
};

const counted = (iterations: number): string => (iterations === 1 ? '1 iteration' : `${iterations} iterations`);
