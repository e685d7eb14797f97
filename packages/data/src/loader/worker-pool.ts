import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describeCause, HooklineError, unpackError } from '@hookline/core';
import { claim, type Claimable, isClaimed } from './claim.ts';
import type { Answer, ThreadSetup } from './serve-jobs.ts';

/** Options of {@link WorkerPool}. */
export interface WorkerPoolOptions<Job, Recipe = unknown> {
  /** Number of threads, at least one. */
  readonly workers: number;
  /** Path of the threads' script, which calls `serveJobs`. */
  readonly script: string;
  /** Data that is common to all jobs; plain data, because it is sent to each thread. */
  readonly recipe: Recipe;
  /**
   * Whether the threads run no code of the user, so that {@link WorkerPool.help} may do any job from
   * the start. @default false
   */
  readonly isBuiltIn?: boolean;
  /** Name of the sample at a place of a job, for errors; for example its file. */
  readonly nameOf: (job: Job, place: number) => string | undefined;
}

/** Does a job in this thread. */
export type DoJob<Job, Result> = (job: Job) => Promise<Result>;

interface Task<Job, Result> {
  readonly job: Job & Claimable;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** A thread has died during this job, so it now gets a thread of its own. */
  suspect: boolean;
  /** The calling thread is doing this job. */
  isDoneHere: boolean;
}

/** Time that threads may take to end, in milliseconds. */
const CLOSE_MS = 2000;

interface Thread<Job, Result> {
  readonly worker: Worker;
  /** Its jobs, in order. They are all sent at once, because the training thread may be busy for a long time. */
  readonly tasks: Task<Job, Result>[];
  readonly progress: Int32Array;
}

/**
 * Does jobs in threads. A thread that dies is replaced and its job tried again. Idle threads do not keep the process
 * alive.
 */
export class WorkerPool<Job extends object, Result> {
  /** Number of threads that died and were replaced. */
  restarts = 0;
  readonly #size: number;
  readonly #recipe: unknown;
  readonly #isBuiltIn: boolean;
  readonly #script: string;
  readonly #nameOf: (job: Job, place: number) => string | undefined;
  /** Jobs that were requested and are not done yet, in the order of the requests. */
  readonly #open = new Set<Task<Job, Result>>();
  readonly #threads = new Set<Thread<Job, Result>>();
  readonly #queue: Task<Job, Result>[] = [];
  #closed = false;
  /** Number of jobs that threads have done. */
  #done = 0;
  /** Number of successive threads that died before they had started. */
  #stillborn = 0;
  /** The error that keeps threads from starting. */
  #broken: HooklineError | undefined;

  constructor({ workers, recipe, isBuiltIn = false, script, nameOf }: WorkerPoolOptions<Job>) {
    this.#size = workers;
    this.#recipe = recipe;
    this.#isBuiltIn = isBuiltIn;
    this.#script = script;
    this.#nameOf = nameOf;
  }

  /** Starts all threads before there are jobs, because starting takes a while. */
  start(): void {
    while (!this.#closed && this.#threads.size < this.#size) this.#start().worker.unref();
  }

  /**
   * Runs a job in a thread.
   *
   * @throws HooklineError `HKL_DATA_WORKER` if two threads die during the job, `HKL_DATA_CLOSED` if the pool is closed before it is done,
   * each with the name of a sample; and whatever the job throws
   */
  async run(job: Job): Promise<Result> {
    if (this.#closed) throw this.#isClosed(job);
    if (this.#broken !== undefined) throw this.#broken;
    return new Promise((resolve, reject) => {
      const task: Task<Job, Result> = {
        job: { ...job, claim: new Int32Array(new SharedArrayBuffer(4)) },
        resolve: (result) => {
          this.#open.delete(task);
          resolve(result);
        },
        reject: (error) => {
          this.#open.delete(task);
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- passed on unchanged
          reject(error);
        },
        suspect: false,
        isDoneHere: false,
      };
      this.#open.add(task);
      this.#queue.push(task);
      this.#assign();
    });
  }

  /** Whether {@link WorkerPool.help} may do the oldest unfinished job now. */
  get isOldestFree(): boolean {
    const [oldest] = this.#open;
    return this.#isBuiltIn && oldest !== undefined && !isClaimed(oldest.job);
  }

  /**
   * Does the oldest unclaimed job in the calling thread, which would otherwise wait. So results come no
   * later than without threads, even while the threads start or other programs keep them from running.
   *
   * A job that hangs must not hang this thread too. If jobs may run code of the user, such as an augmentation, this method therefore does
   * nothing until the threads have done a job.
   *
   * @returns whether there was such a job
   */
  async help(work: DoJob<Job, Result>): Promise<boolean> {
    if (this.#closed || (this.#done === 0 && !this.#isBuiltIn)) return false;
    for (const task of this.#open) {
      if (!task.suspect && claim(task.job)) return this.#doHere(task, work);
    }
    return false;
  }

  /**
   * Does the oldest job in the calling thread although another thread has claimed it, because that thread may be slow. The first result
   * is used. It does nothing if jobs may run code of the user.
   *
   * @returns whether there was such a job
   */
  async overtake(work: DoJob<Job, Result>): Promise<boolean> {
    const [oldest] = this.#open;
    if (!this.#isBuiltIn || oldest === undefined || oldest.suspect || oldest.isDoneHere) return false;
    return this.#doHere(oldest, work);
  }

  async #doHere(task: Task<Job, Result>, work: DoJob<Job, Result>): Promise<true> {
    task.isDoneHere = true;
    try {
      task.resolve(await work(task.job));
    } catch (error) {
      task.reject(error);
    }
    return true;
  }

  /**
   * Describes what the threads are doing.
   *
   * @param doing describes what a thread does at this stage of the sample at this place; -1 is the first stage
   */
  describe(doing: (job: Job, place: number, stage: number) => string): string | undefined {
    const busy = [...this.#threads].flatMap(({ tasks, progress }, index) => {
      const job = tasks[0]?.job;
      if (job === undefined) return [];
      const place = Atomics.load(progress, 0);
      if (place < 0) return [`thread ${index + 1}, which is starting`];
      return [`thread ${index + 1}, ${doing(job, place, Atomics.load(progress, 1))}`];
    });
    return busy.length === 0 ? undefined : busy.join('; ');
  }

  /** Ends the threads. Unfinished jobs are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    const threads = [...this.#threads];
    for (const { job, reject } of this.#open) reject(this.#isClosed(job));
    this.#threads.clear();
    this.#queue.length = 0;
    // A thread that has not started holds no resources yet; it ends when it can.
    const ends = threads.map((thread) => ({ isStarting: isStarting(thread), end: thread.worker.terminate() }));
    const ended = Promise.all(ends.filter((each) => !each.isStarting).map(({ end }) => end));
    // A thread that waits forever, for example to read a file, cannot end by itself.
    await Promise.race([ended, sleep(CLOSE_MS, undefined, { ref: false })]);
  }

  #isClosed(job: Job): HooklineError {
    const who = this.#nameOf(job, 0);
    return new HooklineError('HKL_DATA_CLOSED', 'the loader was closed before its batch was made', {
      who,
      fix: 'Close a loader only after the last batch has been read',
    });
  }

  #assign(): void {
    for (let task = this.#queue[0]; task !== undefined; task = this.#queue[0]) {
      const thread = this.#threadFor(task);
      if (thread === undefined) return;
      this.#queue.shift();
      // The calling thread may have done the job in the meantime.
      if (!this.#open.has(task)) continue;
      thread.tasks.push(task);
      thread.worker.ref();
      thread.worker.postMessage(task.job);
    }
  }

  /** The thread with the fewest jobs, or a new thread if all are busy; undefined if the job has to wait. */
  #threadFor({ suspect }: Task<Job, Result>): Thread<Job, Result> | undefined {
    let best: Thread<Job, Result> | undefined;
    for (const thread of this.#threads) {
      if (thread.tasks[0]?.suspect === true) continue;
      if (best === undefined || thread.tasks.length < best.tasks.length) best = thread;
    }
    if (best?.tasks.length === 0) return best;
    // Starting a thread costs more processor time than a job, and the calling thread does jobs in the meantime, so start one at a time.
    const mayStart = !this.#isBuiltIn || suspect || ![...this.#threads].some(isStarting);
    if (this.#threads.size < this.#size && mayStart) return this.#start();
    return suspect ? undefined : best;
  }

  #start(): Thread<Job, Result> {
    const progress = new Int32Array(new SharedArrayBuffer(8)).fill(-1);
    const setup: ThreadSetup<unknown> = { recipe: this.#recipe, progress };
    // Do not pass on this process's flags, such as TypeScript loaders, which the thread does not need.
    const worker = new Worker(this.#script, { execArgv: [], workerData: setup });
    const thread: Thread<Job, Result> = { worker, tasks: [], progress };
    this.#threads.add(thread);
    let reason: unknown;
    worker.on('error', (error) => (reason = error));
    worker.on('exit', (code) => this.#died(thread, reason ?? new Error(`it ended with code ${code}`)));
    worker.on('message', (answer: Answer<Result>) => {
      this.#stillborn = 0;
      const task = thread.tasks.shift();
      if (this.#closed || task === undefined) return;
      if (thread.tasks.length === 0) worker.unref();
      if ('taken' in answer) {
        this.#assign();
        return;
      }
      this.#done++;
      if ('error' in answer) task.reject(unpackError(answer.error));
      else task.resolve(answer.result);
      this.#assign();
    });
    return thread;
  }

  #died(thread: Thread<Job, Result>, cause: unknown): void {
    if (this.#closed) return;
    this.restarts++;
    this.#threads.delete(thread);
    const place = thread.progress[0] ?? -1;
    const [first, ...others] = thread.tasks;
    if (place < 0 && ++this.#stillborn > 1) {
      // The calling thread could do the jobs, but the user has asked for threads.
      this.#broken = unstartable(cause);
      for (const { reject } of this.#open) reject(this.#broken);
      this.#queue.length = 0;
      return;
    }
    if (first?.suspect === true) {
      first.reject(deadly(this.#nameOf(first.job, place), cause));
      this.#queue.unshift(...others);
    } else if (first !== undefined) {
      if (place >= 0 && !first.isDoneHere) {
        first.suspect = true;
        // The thread died during a claimed job; release the claim for the next thread.
        if (first.job.claim !== undefined) Atomics.store(first.job.claim, 0, 0);
      }
      this.#queue.unshift(first, ...others);
    }
    this.#assign();
  }
}

const isStarting = ({ progress }: { readonly progress: Int32Array }): boolean => Atomics.load(progress, 0) < 0;

function unstartable(cause: unknown): HooklineError {
  const fix = 'See the cause, or set workers: 0 to make batches in the training thread';
  const what = `no thread can be started: ${describeCause(cause)}`;
  return new HooklineError('HKL_DATA_WORKER', what, { who: 'data', fix, cause });
}

function deadly(who: string | undefined, cause: unknown): HooklineError {
  const what = `two threads died over its batch, the second one at this sample: ${describeCause(cause)}`;
  const fix = 'Look at the sample with another program; a lack of memory ends threads too';
  return new HooklineError('HKL_DATA_WORKER', what, { who, fix, cause });
}
