import { parentPort, workerData, type Transferable } from 'node:worker_threads';
import { claim, type Claimable } from './claim.ts';
import { giveWay } from './give-way.ts';
import { packError, type PlainError } from './portable-error.ts';

/** What a thread of a {@link WorkerPool} is started with. */
export interface ThreadSetup<Recipe> {
  /** What holds for all of its jobs: plain data. */
  readonly recipe: Recipe;
  /**
   * Two numbers: the place in its job of the sample that the thread is at, -1 until it has started; and the stage of that
   * sample, -1 for the first one, such as reading it.
   */
  readonly progress: Int32Array;
}

/** What a thread answers to a job. */
export type Answer<Result> =
  | { readonly result: Result }
  | { readonly error: PlainError }
  /** Somebody else has begun with it. */
  | { readonly taken: true };

/** Is told which sample is next, and which stage of it where that is next, from 0. */
export type OnSample = (place: number, stage?: number) => void;

/** How a thread does its jobs. */
export interface JobServer<Job, Result> {
  /** Does a job. What it throws goes to whoever asked for it; of a `PortableError` all parts do. */
  readonly work: (job: Job, onSample: OnSample) => Promise<Result>;
  /** Memory that goes over with the result instead of being copied. */
  readonly belongings: (result: Result) => Transferable[];
}

/**
 * Serves the jobs of a {@link WorkerPool} in one of its threads, one after the other. A script of threads calls it once,
 * when everything that jobs need has been set up.
 *
 * @param make is given the recipe of the pool
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
