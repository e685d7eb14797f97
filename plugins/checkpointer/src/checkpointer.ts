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
  /** The path for log messages. */
  readonly path: string;
  /** Number of completed iterations. */
  readonly done: number;
  /** The last evaluation that it contains. */
  readonly results: Results | undefined;
}

/**
 * Saves the complete state periodically, at the end, and when the training is stopped or fails. After a failure that does
 * not concern the weights, such as an error of a tap or of the data, the checkpoint holds the state after the last completed step,
 * and resuming repeats the failed step.
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
  // Save before the evaluation, so that a failing evaluation leaves a checkpoint.
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
    /** The last checkpoint, which may still be in the process of being written. */
    let saved: Saved | undefined;
    /** `performance.now()` at the last save. */
    let savedTime = performance.now();
    /** Resolves, never rejects, after the checkpoint has been written and superfluous ones have been deleted. */
    let writing: Promise<void> | undefined;
    /** The error of writing it, until the error has been thrown in the training. */
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
    /** Saves. Training continues while the checkpoint is written, unless `async` is false. */
    const start = async (name: string, done: number): Promise<void> => {
      if (!options.async) {
        await save(name, done);
        return takeSurplus()();
      }
      await writing;
      throwFailure();
      const before = saved;
      const results = evaluation.latest;
      const { path, written } = await checkpoints.saveAsync(name);
      saved = { name, path: shown(path), done, results };
      savedTime = performance.now();
      const deleteSurplus = takeSurplus();
      writing = written.then(
        () => {
          logger.info(`saved ${shown(path)}`);
          return deleteSurplus();
        },
        (error: unknown) => {
          failure = { error };
          saved = before;
        },
      );
      // With several ranks, the checkpoint is already written, and all ranks delete at the same time.
      if (comm.size > 1) await writing;
    };
    /** Takes superfluous checkpoints off the list. @returns the function that deletes their files */
    const takeSurplus = (): (() => Promise<void>) =>
      maxToKeep === undefined ? () => Promise.resolve() : kept.takeSurplus(maxToKeep);
    const numbered = (done: number): string => `${prefix}_${String(done - 1).padStart(7, '0')}`;
    // Register the name before saving, so that the checkpoint counts itself when a resumed run decides what to keep.
    const startNumbered = (done: number): Promise<void> => {
      kept.add(numbered(done));
      return start(numbered(done), done);
    };
    /** Requests another save after all plugins are done, if there is an evaluation by then that the checkpoint does not contain. */
    const saveStopped = async (done: number): Promise<void> => {
      kept.add(numbered(done));
      await save(numbered(done), done, { renewIf: isStale });
      await takeSurplus()();
    };
    const saveFailed = async ({ iteration, error }: Outcome): Promise<void> => {
      if (iteration === startIteration && saved === undefined) return;
      if (isAboutWeights(error)) {
        logger.warn(`no checkpoint is saved after this failure, because the weights may be its cause. ${lastSaved()}`);
        return;
      }
      if (saved?.done !== iteration) {
        const name = numbered(iteration);
        const before = kept.names;
        try {
          kept.add(name);
          // Keep existing good checkpoints: neither overwrite them with bad weights nor delete them.
          await save(name, iteration, { finite: true });
        } catch (failed) {
          kept.load([...before]);
          if (!isHooklineError(failed, 'HKL_WEIGHTS_NOT_FINITE')) throw failed;
          logger.warn(`no checkpoint is saved after this failure: ${failed.message} ${lastSaved()}`);
          return;
        }
      }
      logger.info(
        `failed after ${counted(iteration)}: everything up to there is in ${saved?.path}. ` +
          'Once the cause is fixed, run the same command with --resume (in code: await trainer.resumeOrLoad())',
      );
    };
    const lastSaved = (): string =>
      saved === undefined ? 'This run has saved nothing before' : `The last one is ${saved.path}`;
    /** The checkpoint of the last step was saved before the evaluation of that step, so a run that resumes from it would repeat the evaluation. */
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
        // afterStep has already saved the last step, unless it was skipped.
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
      // A numbered checkpoint is saved before older ones are deleted, so a killed run may resume from a checkpoint that
      // still lists them.
      return takeSurplus()();
    });
    hooks.afterStep.tap(({ iteration, maxIterations }) => {
      throwFailure();
      const done = iteration + 1;
      if (final && done === maxIterations) return start(`${prefix}_final`, done);
      if (isDue(done)) return startNumbered(done);
      if (periodMinutes === 0) return undefined;
      const isTime = (): boolean => performance.now() - savedTime >= periodMinutes * 60_000;
      if (comm.size === 1) return isTime() ? startNumbered(done) : undefined;
      // The clocks of the ranks differ, but all ranks must save together.
      return onFirstRank(comm, isTime, 'whether it is time to save').then((it) =>
        it ? startNumbered(done) : undefined,
      );
    });
    // Wait for the checkpoint before an evaluation, so that a run that is killed while it evaluates resumes with that evaluation.
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

/** Whether a training failed because of its numbers: the weights may be the cause of a loss that is not finite, or of an anomaly. */
function isAboutWeights(error: unknown): boolean {
  if (isHooklineError(error, 'HKL_LOSS_NOT_FINITE') || isHooklineError(error, 'HKL_ANOMALY')) return true;
  return error instanceof Error && error.cause !== undefined && isAboutWeights(error.cause);
}

const shown = (path: string): string => {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
};

const counted = (iterations: number): string => (iterations === 1 ? '1 iteration' : `${iterations} iterations`);
