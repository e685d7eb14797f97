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

interface Saved {
  readonly name: string;
  /** For people. */
  readonly path: string;
  /** Iterations done. */
  readonly done: number;
  /** The last evaluation that it holds. */
  readonly results: Results | undefined;
}

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
    /** The last one, which may still be being written. */
    let saved: Saved | undefined;
    /** When it was saved, by the clock, in milliseconds. */
    let savedTime = performance.now();
    /** Ends, without an error, when it has been written and what is too many has been deleted. */
    let writing: Promise<void> | undefined;
    /** Why it could not be written, until the training has been told. */
    let failure: { readonly error: unknown } | undefined;

    const isStale = (): boolean => saved?.results !== evaluation.latest;
    const throwFailure = (): void => {
      const failed = failure;
      failure = undefined;
      if (failed !== undefined) throw failed.error;
    };
    /** Saves and waits until it is written. */
    const save = async (name: string, done: number, how?: SaveOptions): Promise<void> => {
      await writing;
      throwFailure();
      const results = evaluation.latest;
      const path = shown(await checkpoints.save(name, how));
      saved = { name, path, done, results };
      savedTime = performance.now();
      logger.info(`saved ${path}`);
    };
    /** Saves; the steps go on while it is written, unless they are to wait. */
    const start = async (name: string, done: number): Promise<void> => {
      if (!options.async) {
        await save(name, done);
        return pruned()();
      }
      await writing;
      throwFailure();
      const before = saved;
      const results = evaluation.latest;
      const { path, written } = await checkpoints.saveAsync(name);
      saved = { name, path: shown(path), done, results };
      savedTime = performance.now();
      const prune = pruned();
      writing = written.then(
        () => {
          logger.info(`saved ${shown(path)}`);
          return prune();
        },
        (error: unknown) => {
          failure = { error };
          saved = before;
        },
      );
      // Of several ranks it is written already, and all of them delete at the same time.
      if (comm.size > 1) await writing;
    };
    const pruned = (): (() => Promise<void>) =>
      maxToKeep === undefined ? () => Promise.resolve() : kept.prune(maxToKeep);
    const numbered = (done: number): string => `${prefix}_${String(done - 1).padStart(7, '0')}`;
    // Before saving, so that the checkpoint knows of itself when a resumed run counts what to keep.
    const startNumbered = (done: number): Promise<void> => {
      kept.add(numbered(done));
      return start(numbered(done), done);
    };
    /** An evaluation may come that it does not hold yet; it is then saved again, as the last thing. */
    const saveStopped = async (done: number): Promise<void> => {
      kept.add(numbered(done));
      await save(numbered(done), done, { renewIf: isStale });
      await pruned()();
    };
    const saveFailed = async ({ iteration, error }: Outcome): Promise<void> => {
      if (iteration === startIteration && saved === undefined) return;
      if (isAboutWeights(error)) {
        logger.warn(`nothing is saved of this end, since the weights may be to blame. ${lastSaved()}`);
        return;
      }
      if (saved?.done !== iteration) {
        const name = numbered(iteration);
        const before = kept.names;
        try {
          kept.add(name);
          // Good checkpoints that are there already stay: neither overwritten by bad weights nor pruned.
          await save(name, iteration, { finite: true });
        } catch (failed) {
          kept.load([...before]);
          if (!isHooklineError(failed, 'HKL_WEIGHTS_NOT_FINITE')) throw failed;
          logger.warn(`nothing is saved of this end: ${failed.message} ${lastSaved()}`);
          return;
        }
      }
      logger.info(
        `failed after ${counted(iteration)}: everything up to there is in ${saved?.path}. ` +
          'When the cause is mended, run the same command with --resume (in code: await trainer.resumeOrLoad())',
      );
    };
    const lastSaved = (): string =>
      saved === undefined ? 'This run has saved nothing before' : `The last one is ${saved.path}`;
    /** The one of the last step came before the evaluation of that step, which going on from there would make again. */
    const renew = async ({ name, ...rest }: Saved): Promise<void> => {
      saved = { name, ...rest, results: evaluation.latest };
      await checkpoints.save(name, { renewIf: isStale });
    };
    const onEnd = async (outcome: Outcome): Promise<void> => {
      const { status, iteration, reason } = outcome;
      await writing;
      if (status === 'failed' && onStop) {
        const failed = failure;
        failure = undefined;
        await saveFailed(outcome);
        if (failed !== undefined) throw failed.error;
        return;
      }
      throwFailure();
      if (status === 'completed') {
        // afterStep has saved it, unless the last step was skipped.
        if (saved?.done === iteration && isStale()) await renew(saved);
        else if (saved?.done !== iteration && final) await save(`${prefix}_final`, iteration, { renewIf: isStale });
      }
      if (!onStop || (status !== 'stopped' && status !== 'interrupted')) return;
      if (iteration === startIteration) return;
      if (saved?.done === iteration) await renew(saved);
      else await saveStopped(iteration);
      logger.info(
        `${status} after ${counted(iteration)} (${reason}): everything is in ${saved?.path}. ` +
          'To go on, run the same command with --resume (in code: await trainer.resumeOrLoad())',
      );
    };

    hooks.beforeTrain.tap((run) => {
      startIteration = run.startIteration;
      savedTime = performance.now();
      // A numbered checkpoint is saved before older ones are deleted, so a run that was killed may go on from one that
      // still counts them.
      return pruned()();
    });
    hooks.afterStep.tap(({ iteration, maxIterations }) => {
      throwFailure();
      const done = iteration + 1;
      if (final && done === maxIterations) return start(`${prefix}_final`, done);
      if (isDue(done)) return startNumbered(done);
      if (periodMinutes === 0) return undefined;
      const isTime = (): boolean => performance.now() - savedTime >= periodMinutes * 60_000;
      if (comm.size === 1) return isTime() ? startNumbered(done) : undefined;
      // The clocks of the ranks differ, and all save together.
      return onFirstRank(comm, isTime, 'whether it is time to save').then((it) =>
        it ? startNumbered(done) : undefined,
      );
    });
    // A run that is killed while it evaluates resumes with that evaluation, and repeats no step before it.
    hooks.evaluate.tap(async () => {
      await writing;
      throwFailure();
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
