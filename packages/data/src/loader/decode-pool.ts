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
  /** Threads that died over it. */
  deaths: number;
}

/** What a thread answers. */
type Answer = { readonly pixels: Uint8Array<ArrayBuffer> } | { readonly error: string };

/** How often an image is tried when threads die over it. */
const ATTEMPTS = 2;

/**
 * Decodes images in threads. A thread that dies is replaced and its image tried again; idle threads keep no process
 * alive.
 */
export class DecodePool {
  /** Threads that died and were replaced. */
  restarts = 0;
  readonly #size: number;
  readonly #script: string;
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Job>();
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
      this.#queue.push({ request, resolve, reject, deaths: 0 });
      this.#assign();
    });
  }

  /** Ends the threads. Images that wait are given up. */
  async close(): Promise<void> {
    this.#closed = true;
    const workers = [...this.#idle.splice(0), ...this.#busy.keys()];
    for (const job of [...this.#queue.splice(0), ...this.#busy.values()]) job.reject(closed(job.request));
    this.#busy.clear();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #assign(): void {
    while (this.#queue.length > 0 && this.#busy.size < this.#size) {
      const job = this.#queue.shift() as Job;
      const worker = this.#idle.pop() ?? this.#start();
      this.#busy.set(worker, job);
      worker.ref();
      worker.postMessage(job.request);
    }
  }

  #start(): Worker {
    // Without the flags of this process: loaders of TypeScript and the like have nothing to do there.
    const worker = new Worker(this.#script, { execArgv: [], stdout: false, stderr: false });
    let reason: unknown;
    worker.on('error', (error) => (reason = error));
    worker.on('exit', (code) => this.#died(worker, reason ?? new Error(`it ended with code ${code}`)));
    worker.on('message', (answer: Answer) => {
      const job = this.#busy.get(worker);
      this.#busy.delete(worker);
      if (this.#closed || job === undefined) return;
      worker.unref();
      this.#idle.push(worker);
      this.#assign();
      if ('pixels' in answer) job.resolve(answer.pixels);
      else job.reject(unreadable(job.request, answer.error));
    });
    return worker;
  }

  #died(worker: Worker, cause: unknown): void {
    if (this.#closed) return;
    this.restarts++;
    const place = this.#idle.indexOf(worker);
    if (place >= 0) this.#idle.splice(place, 1);
    const job = this.#busy.get(worker);
    this.#busy.delete(worker);
    if (job !== undefined && ++job.deaths < ATTEMPTS) this.#queue.unshift(job);
    else if (job !== undefined) {
      const what = `${job.deaths} decoding threads died over it: ${describeCause(cause)}`;
      const fix = 'Look at the image with another program; a lack of memory ends threads too';
      job.reject(new HooklineError('HKL_DATA_WORKER', what, { who: job.request.file, fix, cause }));
    }
    this.#assign();
  }
}

const closed = ({ file }: DecodeRequest): HooklineError =>
  new HooklineError('HKL_DATA_CLOSED', 'the loader was closed before it was decoded', { who: file });
