import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describeCause, HooklineError } from '@hookline/core';
import { unpackError } from '../portable-error.ts';
import { claim, type BatchJob, type BatchRecipe } from './batch-job.ts';
import type { Answer, ThreadSetup } from './serve-batches.ts';

/** Options of {@link BatchPool}. */
export interface BatchPoolOptions {
  /** Threads, at least one. */
  readonly workers: number;
  /** How they make batches; without it they only decode. */
  readonly recipe?: BatchRecipe | undefined;
  /** Script of the threads. Default: the one beside this file. */
  readonly script?: string;
}

/** What comes of a job. */
export type Result = Exclude<Answer, { readonly error: unknown } | { readonly taken: true }>;

/** Makes in this thread what threads make. */
export type MakeHere = (job: BatchJob) => Promise<Result>;

interface Task {
  /** Counts them in the order in which they were asked for. */
  readonly number: number;
  readonly job: BatchJob;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** A thread died over it: it gets a thread of its own now. */
  suspect: boolean;
}

/** How long threads may take to end, in milliseconds. */
const CLOSE_MS = 2000;

interface Thread {
  readonly worker: Worker;
  /** What it has to do, in order. All of it is handed over at once: the thread of the training may be busy for long. */
  readonly tasks: Task[];
  readonly progress: Int32Array;
}

/**
 * Makes batches in threads. A thread that dies is replaced and its batch tried again; idle threads keep no process
 * alive.
 */
export class BatchPool {
  /** Threads that died and were replaced. */
  restarts = 0;
  readonly #size: number;
  readonly #recipe: BatchRecipe | undefined;
  readonly #script: string;
  readonly #threads = new Set<Thread>();
  readonly #queue: Task[] = [];
  #closed = false;
  #asked = 0;
  /** Batches that threads have made. */
  #made = 0;

  constructor({ workers, recipe, script }: BatchPoolOptions) {
    this.#size = workers;
    this.#recipe = recipe;
    this.#script = script ?? fileURLToPath(new URL('./batch-worker.mjs', import.meta.url));
  }

  /**
   * Makes a batch, or decodes its images.
   *
   * @throws HooklineError `HKL_IMAGE_UNREADABLE`, `HKL_AUGMENTATION_FAILED`, `HKL_BATCH_FRAME`, `HKL_BATCH_BOXES`,
   * `HKL_DATA_WORKER` when threads die over it, `HKL_DATA_CLOSED` when the pool is closed meanwhile; each with the name
   * of a file
   */
  async run(job: BatchJob): Promise<Result> {
    if (this.#closed) throw closed(job);
    return new Promise((resolve, reject) => {
      const claimed = { ...job, claim: new Int32Array(new SharedArrayBuffer(4)) };
      this.#queue.push({ number: this.#asked++, job: claimed, resolve, reject, suspect: false });
      this.#assign();
    });
  }

  /**
   * Makes the next batch that no thread has begun in this thread, which has nothing else to do: so that batches come no
   * later than without threads where other programs keep those from running. Never before threads have made one, and
   * never one that a thread has begun: an image or an augmentation that hangs shall not hang this thread too.
   *
   * @returns whether there was one
   */
  async help(make: MakeHere): Promise<boolean> {
    if (this.#made === 0 || this.#closed) return false;
    const waiting = [...this.#queue, ...[...this.#threads].flatMap(({ tasks }) => tasks)];
    waiting.sort((a, b) => a.number - b.number);
    const task = waiting.find(({ job, suspect }) => !suspect && claim(job));
    if (task === undefined) return false;
    const at = this.#queue.indexOf(task);
    if (at >= 0) this.#queue.splice(at, 1);
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
   * @param names of the augmentations
   */
  describe(names: readonly string[]): string | undefined {
    const busy = [...this.#threads].flatMap(({ tasks, progress }, index) => {
      const job = tasks[0]?.job;
      if (job === undefined) return [];
      const place = Atomics.load(progress, 0);
      if (place < 0) return [`thread ${index + 1}, which is starting`];
      const augmentation = Atomics.load(progress, 1);
      const what = augmentation < 0 ? 'reading' : `the augmentation "${names[augmentation] ?? augmentation}" of`;
      return [`thread ${index + 1}, ${what} ${job.samples[place]?.request.file}`];
    });
    return busy.length === 0 ? undefined : busy.join('; ');
  }

  /** Ends the threads. Batches that wait are given up. */
  async close(): Promise<void> {
    this.#closed = true;
    const threads = [...this.#threads];
    for (const { job, reject } of [...threads.map(({ tasks }) => tasks), this.#queue].flat()) reject(closed(job));
    this.#threads.clear();
    this.#queue.length = 0;
    const ended = Promise.all(threads.map(({ worker }) => worker.terminate()));
    // One that waits for a file which never comes cannot end.
    await Promise.race([ended, sleep(CLOSE_MS, undefined, { ref: false })]);
  }

  #assign(): void {
    for (let task = this.#queue[0]; task !== undefined; task = this.#queue[0]) {
      const thread = this.#threadFor(task);
      if (thread === undefined) return;
      this.#queue.shift();
      thread.tasks.push(task);
      thread.worker.ref();
      thread.worker.postMessage(task.job);
    }
  }

  /** The thread with the least to do, a new one rather than a busy one; undefined when the task has to wait. */
  #threadFor({ suspect }: Task): Thread | undefined {
    let best: Thread | undefined;
    for (const thread of this.#threads) {
      if (thread.tasks[0]?.suspect === true) continue;
      if (best === undefined || thread.tasks.length < best.tasks.length) best = thread;
    }
    if (best?.tasks.length === 0) return best;
    if (this.#threads.size < this.#size) return this.#start();
    return suspect ? undefined : best;
  }

  #start(): Thread {
    const progress = new Int32Array(new SharedArrayBuffer(8)).fill(-1);
    const setup: ThreadSetup = { recipe: this.#recipe, progress };
    // Without the flags of this process: loaders of TypeScript and the like have nothing to do there.
    const worker = new Worker(this.#script, { execArgv: [], workerData: setup });
    const thread: Thread = { worker, tasks: [], progress };
    this.#threads.add(thread);
    let reason: unknown;
    worker.on('error', (error) => (reason = error));
    worker.on('exit', (code) => this.#died(thread, reason ?? new Error(`it ended with code ${code}`)));
    worker.on('message', (answer: Answer) => {
      const task = thread.tasks.shift();
      if (this.#closed || task === undefined) return;
      if (thread.tasks.length === 0) worker.unref();
      if ('taken' in answer) {
        this.#assign();
        return;
      }
      this.#made++;
      if ('error' in answer) task.reject(unpackError(answer.error));
      else task.resolve(answer);
      this.#assign();
    });
    return thread;
  }

  #died(thread: Thread, cause: unknown): void {
    if (this.#closed) return;
    this.restarts++;
    this.#threads.delete(thread);
    const [first, ...others] = thread.tasks;
    if (first?.suspect === true) {
      first.reject(deadly(first.job, thread.progress[0] ?? -1, cause));
      this.#queue.unshift(...others);
    } else if (first !== undefined) {
      first.suspect = true;
      // It died over a batch that it had begun; the next thread begins it anew.
      if (first.job.claim !== undefined) Atomics.store(first.job.claim, 0, 0);
      this.#queue.unshift(first, ...others);
    }
    this.#assign();
  }
}

function deadly({ samples }: BatchJob, place: number, cause: unknown): HooklineError {
  const reason = describeCause(cause);
  if (place < 0) {
    const fix = 'See the cause; workers: 0 makes batches in the thread of the training';
    return new HooklineError('HKL_DATA_WORKER', `no thread can be started: ${reason}`, { who: 'data', fix, cause });
  }
  const what = `two threads died over its batch, the second one at this image: ${reason}`;
  const fix = 'Look at the image with another program; a lack of memory ends threads too';
  return new HooklineError('HKL_DATA_WORKER', what, { who: samples[place]?.request.file, fix, cause });
}

const closed = ({ samples }: BatchJob): HooklineError =>
  new HooklineError('HKL_DATA_CLOSED', 'the loader was closed before its batch was made', {
    who: samples[0]?.request.file,
  });
