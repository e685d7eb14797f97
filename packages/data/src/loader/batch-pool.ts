import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describeCause, HooklineError } from '@hookline/core';
import { unpackError } from '../portable-error.ts';
import type { BatchJob, BatchRecipe } from './batch-job.ts';
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
export type Result = Exclude<Answer, { readonly error: unknown }>;

interface Task {
  readonly job: BatchJob;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** A thread died over it: it gets a thread of its own now. */
  suspect: boolean;
}

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
      this.#queue.push({ job, resolve, reject, suspect: false });
      this.#assign();
    });
  }

  /** Ends the threads. Batches that wait are given up. */
  async close(): Promise<void> {
    this.#closed = true;
    const threads = [...this.#threads];
    for (const { job, reject } of [...threads.map(({ tasks }) => tasks), this.#queue].flat()) reject(closed(job));
    this.#threads.clear();
    this.#queue.length = 0;
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
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
    const progress = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
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
