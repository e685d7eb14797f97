import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describeCause, HooklineError } from '@hookline/core';
import { unreadable } from './decode-file.ts';
import { decodeImage } from './decode-image.mjs';
import type { DecodeRequest } from './decode-request.ts';

/** Options of {@link DecodePool}. */
export interface DecodePoolOptions {
  /** Threads; 0 decodes in the thread of the caller. */
  readonly workers: number;
  /** Script of the threads. Default: the one beside this file. */
  readonly script?: string;
}

interface Job {
  readonly request: DecodeRequest;
  readonly resolve: (pixels: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: unknown) => void;
  /** A thread died that had it: it may be why, and gets a thread of its own now. */
  suspect: boolean;
}

/** What a thread answers. */
type Answer = { readonly pixels: Uint8Array<ArrayBuffer> } | { readonly error: string };

/**
 * Decodes images in threads. A thread that dies is replaced and its image tried again; idle threads keep no process
 * alive.
 */
export class DecodePool {
  /** Threads that died and were replaced. */
  restarts = 0;
  readonly #size: number;
  readonly #script: string;
  /** What each thread has to do, in order. All of it is handed over at once: this thread may be busy for long. */
  readonly #jobs = new Map<Worker, Job[]>();
  readonly #queue: Job[] = [];
  #closed = false;

  constructor({ workers, script = fileURLToPath(new URL('./decode-worker.mjs', import.meta.url)) }: DecodePoolOptions) {
    this.#size = workers;
    this.#script = script;
  }

  /**
   * Decodes an image.
   *
   * @throws HooklineError `HKL_IMAGE_UNREADABLE` when it cannot be decoded, `HKL_DATA_WORKER` when threads die over it,
   * `HKL_DATA_CLOSED` when the pool is closed meanwhile; each with the file's name
   */
  async decode(request: DecodeRequest): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#closed) throw closed(request);
    if (this.#size === 0) {
      return decodeImage(request).catch((error: unknown) => {
        throw unreadable(request, describeCause(error), error);
      });
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject, suspect: false });
      this.#assign();
    });
  }

  /** Ends the threads. Images that wait are given up. */
  async close(): Promise<void> {
    this.#closed = true;
    const workers = [...this.#jobs.keys()];
    for (const job of [...this.#jobs.values(), this.#queue].flat()) job.reject(closed(job.request));
    this.#jobs.clear();
    this.#queue.length = 0;
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #assign(): void {
    for (let job = this.#queue[0]; job !== undefined; job = this.#queue[0]) {
      const worker = this.#workerFor(job);
      if (worker === undefined) return;
      this.#queue.shift();
      this.#jobs.get(worker)?.push(job);
      worker.ref();
      worker.postMessage(job.request);
    }
  }

  /** The thread with the least to do, a new one rather than a busy one; undefined when the job has to wait. */
  #workerFor({ suspect }: Job): Worker | undefined {
    let best: Worker | undefined;
    let least = Infinity;
    for (const [worker, jobs] of this.#jobs) {
      if (jobs.length < least && jobs[0]?.suspect !== true) [best, least] = [worker, jobs.length];
    }
    if (least === 0) return best;
    if (this.#jobs.size < this.#size) return this.#start();
    return suspect ? undefined : best;
  }

  #start(): Worker {
    // Without the flags of this process: loaders of TypeScript and the like have nothing to do there.
    const worker = new Worker(this.#script, { execArgv: [] });
    const jobs: Job[] = [];
    this.#jobs.set(worker, jobs);
    let reason: unknown;
    worker.on('error', (error) => (reason = error));
    worker.on('exit', (code) => this.#died(worker, jobs, reason ?? new Error(`it ended with code ${code}`)));
    worker.on('message', (answer: Answer) => {
      const job = jobs.shift();
      if (this.#closed || job === undefined) return;
      if (jobs.length === 0) worker.unref();
      if ('pixels' in answer) job.resolve(answer.pixels);
      else job.reject(unreadable(job.request, answer.error));
      this.#assign();
    });
    return worker;
  }

  #died(worker: Worker, jobs: readonly Job[], cause: unknown): void {
    if (this.#closed) return;
    this.restarts++;
    this.#jobs.delete(worker);
    const [first] = jobs;
    if (first?.suspect === true) {
      const what = `two decoding threads died over it: ${describeCause(cause)}`;
      const fix = 'Look at the image with another program; a lack of memory ends threads too';
      first.reject(new HooklineError('HKL_DATA_WORKER', what, { who: first.request.file, fix, cause }));
    } else {
      for (const job of jobs) job.suspect = true;
      this.#queue.unshift(...jobs);
    }
    this.#assign();
  }
}

const closed = ({ file }: DecodeRequest): HooklineError =>
  new HooklineError('HKL_DATA_CLOSED', 'the loader was closed before it was decoded', { who: file });
