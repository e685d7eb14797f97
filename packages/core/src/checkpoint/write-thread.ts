import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { CHUNK_BYTES } from './write-data.ts';

/** Below this size a thread costs more time than it saves. */
const WORTH_BYTES = 8 * 2 ** 20;

/** The source is a string, so that it is also there in programs that are bundled into one file. It runs as CommonJS. */
const SOURCE = `
const { createHash } = require('node:crypto');
const { writeSync } = require('node:fs');
const { parentPort } = require('node:worker_threads');
parentPort.on('message', ({ fd, position, bytes, chunk }) => {
  try {
    const hash = createHash('sha256');
    for (let at = 0; at < bytes.length;) {
      const written = writeSync(fd, bytes, at, Math.min(chunk, bytes.length - at), position + at);
      hash.update(bytes.subarray(at, at + written));
      at += written;
    }
    parentPort.postMessage({ digest: hash.digest('hex') });
  } catch ({ message, code }) {
    parentPort.postMessage({ message, code });
  }
});
`;

type Answer = { readonly digest: string } | { readonly message: string; readonly code: string | undefined };

/**
 * A thread that writes and hashes large checkpoints while the training goes on, and the memory into which they are copied
 * for it. Both are made when they are needed and kept for the next checkpoint: touching fresh memory takes longer than copying.
 */
export class WriteThread {
  #worker: Worker | undefined;
  #memory: Uint8Array<SharedArrayBuffer> | undefined;

  /**
   * Memory for a copy of that many bytes; undefined where there are so few that writing them on this thread is faster.
   */
  memory(bytes: number): Uint8Array<SharedArrayBuffer> | undefined {
    if (bytes < WORTH_BYTES) return undefined;
    if (this.#memory?.length !== bytes) this.#memory = new Uint8Array(new SharedArrayBuffer(bytes));
    return this.#memory;
  }

  /**
   * Writes bytes into an open file of this process; one call at a time.
   *
   * @param bytes from {@link WriteThread.memory}
   * @returns their SHA-256 in hexadecimal digits
   * @throws what the system says, with its code
   */
  async write(fd: number, position: number, bytes: Uint8Array<SharedArrayBuffer>): Promise<string> {
    const worker = (this.#worker ??= new Worker(SOURCE, { eval: true, execArgv: [], name: 'hookline checkpoints' }));
    const ended = new AbortController();
    worker.ref();
    try {
      const answered = once(worker, 'message', { signal: ended.signal });
      const died = once(worker, 'exit', { signal: ended.signal }).then(([code]) => {
        throw new Error(`the thread that writes has ended with code ${code}`);
      });
      // The wait for the other event is aborted.
      for (const each of [answered, died]) each.catch(() => undefined);
      worker.postMessage({ fd, position, bytes, chunk: CHUNK_BYTES });
      const [answer] = (await Promise.race([answered, died])) as [Answer];
      if ('digest' in answer) return answer.digest;
      throw Object.assign(new Error(answer.message), { code: answer.code });
    } catch (error) {
      this.#worker = undefined;
      void worker.terminate();
      throw error;
    } finally {
      ended.abort();
      // An idle thread keeps no process alive.
      worker.unref();
    }
  }

  /** Ends the thread and frees the memory. Nothing may be in the course of being written. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = this.#memory = undefined;
    await worker?.terminate();
  }
}
