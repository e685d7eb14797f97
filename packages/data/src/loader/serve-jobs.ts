import { parentPort, workerData, type Transferable } from 'node:worker_threads';
import { packError, type PackedError } from '@hookline/core';
import { claim, type Claimable } from './claim.ts';
import { giveWay } from './give-way.ts';

/** The `workerData` of a thread of a {@link WorkerPool}. */
export interface ThreadSetup<Recipe> {
  /** Data that is common to all jobs; plain data. */
  readonly recipe: Recipe;
  /**
   * Two numbers that report progress: the place in the job of the current sample, -1 before the first one; and the stage of that
   * sample, -1 for the first stage, such as reading it.
   */
  readonly progress: Int32Array;
}

/** A thread's answer to a job. */
export type Answer<Result> =
  | { readonly result: Result }
  | { readonly error: PackedError }
  /** Another thread has claimed the job. */
  | { readonly taken: true };

/** Reports which sample comes next and, if given, which stage of it, counted from 0. */
export type OnSample = (place: number, stage?: number) => void;

/** The functions with which a thread does its jobs. */
export interface JobServer<Job, Result> {
  /** Does a job. An error that it throws is passed on to the caller of `WorkerPool.run`; a `HooklineError` keeps all its parts. */
  readonly work: (job: Job, onSample: OnSample) => Promise<Result>;
  /** Buffers of the result that are transferred instead of copied. */
  readonly belongings: (result: Result) => Transferable[];
}

/**
 * Serves the jobs of a {@link WorkerPool} in one of its threads, one after the other. The threads' script calls it once,
 * after it has set up everything that jobs need.
 *
 * @param make creates the function that does the jobs, from the recipe of the pool
 */
export function serveJobs<Job extends Claimable, Result, Recipe>(
  make: (recipe: Recipe) => JobServer<Job, Result>,
): void {
  const { recipe, progress } = workerData as ThreadSetup<Recipe>;
  giveWay();
  const { work, belongings } = make(recipe);
  const onSample: OnSample = (place, stage = -1) => {
    Atomics.store(progress, 1, stage);
    Atomics.store(progress, 0, place);
  };
  const answerTo = async (job: Job): Promise<Answer<Result>> =>
    claim(job) ? { result: await work(job, onSample) } : { taken: true };
  onSample(0);
  let last = Promise.resolve();
  parentPort?.on('message', (job: Job) => {
    last = last.then(async () => {
      const answer = await answerTo(job).catch((error: unknown): Answer<Result> => ({ error: packError(error) }));
      parentPort?.postMessage(answer, 'result' in answer ? belongings(answer.result) : []);
    });
  });
}
