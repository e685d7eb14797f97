import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describeCause, HooklineError } from '@hookline/core';
import { claim, type Claimable, isClaimed } from './claim.ts';
import { unpackError } from './portable-error.ts';
import type { Answer, ThreadSetup } from './serve-jobs.ts';

/** Options of {@link WorkerPool}. */
export interface WorkerPoolOptions<Job, Recipe = unknown> {
  /** Threads, at least one. */
  readonly workers: number;
  /** Script of the threads, which calls `serveJobs`: a path. */
  readonly script: string;
  /** What holds for all jobs; plain data, since it goes to each thread. */
  readonly recipe: Recipe;
  /**
   * Whether nothing of the user's own runs in the threads, so that any batch may be made by {@link WorkerPool.help} from
   * the beginning. @default false
   */
  readonly isBuiltIn?: boolean;
  /** What errors call the sample at a place of a job, such as its file. */
  readonly nameOf: (job: Job, place: number) => string | undefined;
}

/** Makes in this thread what threads make. */
export type MakeHere<Job, Result> = (job: Job) => Promise<Result>;

interface Task<Job, Result> {
  readonly job: Job & Claimable;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** A thread died over it: it gets a thread of its own now. */
  suspect: boolean;
  /** The thread that asked is making it. */
  isMadeHere: boolean;
}

/** How long threads may take to end, in milliseconds. */
const CLOSE_MS = 2000;

interface Thread<Job, Result> {
  readonly worker: Worker;
  /** What it has to do, in order. All of it is handed over at once: the thread of the training may be busy for long. */
  readonly tasks: Task<Job, Result>[];
  readonly progress: Int32Array;
}

/**
 * Makes batches in threads. A thread that dies is replaced and its batch tried again; idle threads keep no process
 * alive.
 */
export class WorkerPool<Job extends object, Result> {
  /** Threads that died and were replaced. */
  restarts = 0;
  readonly #size: number;
  readonly #recipe: unknown;
  readonly #isBuiltIn: boolean;
  readonly #script: string;
  readonly #nameOf: (job: Job, place: number) => string | undefined;
  /** What has been asked for and is not there yet, in that order. */
  readonly #open = new Set<Task<Job, Result>>();
  readonly #threads = new Set<Thread<Job, Result>>();
  readonly #queue: Task<Job, Result>[] = [];
  #closed = false;
  /** Batches that threads have made. */
  #made = 0;
  /** Threads in succession that died before they had started. */
  #stillborn = 0;
  /** Why no thread can be started. */
  #broken: HooklineError | undefined;

  constructor({ workers, recipe, isBuiltIn = false, script, nameOf }: WorkerPoolOptions<Job>) {
    this.#size = workers;
    this.#recipe = recipe;
    this.#isBuiltIn = isBuiltIn;
    this.#script = script;
    this.#nameOf = nameOf;
  }

  /** Starts all threads, which takes them a while, before there is anything for them to do. */
  start(): void {
    while (!this.#closed && this.#threads.size < this.#size) this.#start().worker.unref();
  }

  /**
   * Has a thread do a job.
   *
   * @throws HooklineError `HKL_DATA_WORKER` when threads die over it, `HKL_DATA_CLOSED` when the pool is closed meanwhile,
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
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- handed on as it is
          reject(error);
        },
        suspect: false,
        isMadeHere: false,
      };
      this.#open.add(task);
      this.#queue.push(task);
      this.#assign();
    });
  }

  /** Whether the oldest of the batches that are not there yet may be made by {@link WorkerPool.help} at once. */
  get isOldestFree(): boolean {
    const [oldest] = this.#open;
    return this.#isBuiltIn && oldest !== undefined && !isClaimed(oldest.job);
  }

  /**
   * Makes the oldest batch that nobody has begun in this thread, which has nothing else to do: so that batches come no
   * later than without threads, while those start and where other programs keep them from running.
   *
   * An augmentation that hangs shall not hang this thread too. So, where augmentations are the user's own, it makes none
   * before threads have made one.
   *
   * @returns whether there was one
   */
  async help(make: MakeHere<Job, Result>): Promise<boolean> {
    if (this.#closed || (this.#made === 0 && !this.#isBuiltIn)) return false;
    for (const task of this.#open) {
      if (!task.suspect && claim(task.job)) return this.#makeHere(task, make);
    }
    return false;
  }

  /**
   * Makes the oldest batch in this thread although a thread has begun with it, which may be a slow one; whoever is done
   * first gives it. Never where augmentations are the user's own.
   *
   * @returns whether there was one
   */
  async overtake(make: MakeHere<Job, Result>): Promise<boolean> {
    const [oldest] = this.#open;
    if (!this.#isBuiltIn || oldest === undefined || oldest.suspect || oldest.isMadeHere) return false;
    return this.#makeHere(oldest, make);
  }

  async #makeHere(task: Task<Job, Result>, make: MakeHere<Job, Result>): Promise<true> {
    task.isMadeHere = true;
    try {
      task.resolve(await make(task.job));
    } catch (error) {
      task.reject(error);
    }
    return true;
  }

  /**
   * What the threads are at, in words.
   *
   * @param doing what a thread is at that has come to this stage of the sample at this place; -1 is the first stage
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

  /** Ends the threads. Batches that wait are given up. */
  async close(): Promise<void> {
    this.#closed = true;
    const threads = [...this.#threads];
    for (const { job, reject } of this.#open) reject(this.#isClosed(job));
    this.#threads.clear();
    this.#queue.length = 0;
    // What has not started holds nothing yet; it ends when it can.
    const ends = threads.map((thread) => ({ isStarting: isStarting(thread), end: thread.worker.terminate() }));
    const ended = Promise.all(ends.filter((each) => !each.isStarting).map(({ end }) => end));
    // One that waits for a file which never comes cannot end.
    await Promise.race([ended, sleep(CLOSE_MS, undefined, { ref: false })]);
  }

  #isClosed(job: Job): HooklineError {
    const who = this.#nameOf(job, 0);
    return new HooklineError('HKL_DATA_CLOSED', 'the loader was closed before its batch was made', { who });
  }

  #assign(): void {
    for (let task = this.#queue[0]; task !== undefined; task = this.#queue[0]) {
      const thread = this.#threadFor(task);
      if (thread === undefined) return;
      this.#queue.shift();
      // It may have been made here by now.
      if (!this.#open.has(task)) continue;
      thread.tasks.push(task);
      thread.worker.ref();
      thread.worker.postMessage(task.job);
    }
  }

  /** The thread with the least to do, a new one rather than a busy one; undefined when the task has to wait. */
  #threadFor({ suspect }: Task<Job, Result>): Thread<Job, Result> | undefined {
    let best: Thread<Job, Result> | undefined;
    for (const thread of this.#threads) {
      if (thread.tasks[0]?.suspect === true) continue;
      if (best === undefined || thread.tasks.length < best.tasks.length) best = thread;
    }
    if (best?.tasks.length === 0) return best;
    // Starting takes more of a processor than a batch, and this thread makes batches meanwhile: one at a time.
    const mayStart = !this.#isBuiltIn || suspect || ![...this.#threads].some(isStarting);
    if (this.#threads.size < this.#size && mayStart) return this.#start();
    return suspect ? undefined : best;
  }

  #start(): Thread<Job, Result> {
    const progress = new Int32Array(new SharedArrayBuffer(8)).fill(-1);
    const setup: ThreadSetup<unknown> = { recipe: this.#recipe, progress };
    // Without the flags of this process: loaders of TypeScript and the like have nothing to do there.
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
      this.#made++;
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
      // Batches may be made here all the same; but the user has asked for threads.
      this.#broken = unstartable(cause);
      for (const { reject } of this.#open) reject(this.#broken);
      this.#queue.length = 0;
      return;
    }
    if (first?.suspect === true) {
      first.reject(deadly(this.#nameOf(first.job, place), cause));
      this.#queue.unshift(...others);
    } else if (first !== undefined) {
      if (place >= 0 && !first.isMadeHere) {
        first.suspect = true;
        // It died over a batch that it had begun; the next thread begins it anew.
        if (first.job.claim !== undefined) Atomics.store(first.job.claim, 0, 0);
      }
      this.#queue.unshift(first, ...others);
    }
    this.#assign();
  }
}

const isStarting = ({ progress }: { readonly progress: Int32Array }): boolean => Atomics.load(progress, 0) < 0;

function unstartable(cause: unknown): HooklineError {
  const fix = 'See the cause; workers: 0 makes batches in the thread of the training';
  const what = `no thread can be started: ${describeCause(cause)}`;
  return new HooklineError('HKL_DATA_WORKER', what, { who: 'data', fix, cause });
}

function deadly(who: string | undefined, cause: unknown): HooklineError {
  const what = `two threads died over its batch, the second one at this sample: ${describeCause(cause)}`;
  const fix = 'Look at the sample with another program; a lack of memory ends threads too';
  return new HooklineError('HKL_DATA_WORKER', what, { who, fix, cause });
}
