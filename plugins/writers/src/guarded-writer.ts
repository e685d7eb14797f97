import { describeCause, HooklineError, type Logger } from '@hookline/core';
import type { WriteBatch, Writer, WriterRun } from './writer.ts';

/** Wraps a writer: errors name the writer and its file, and the writer is not called again after the first error. */
export class GuardedWriter {
  readonly #writer: Writer;
  readonly #warn: Logger | undefined;
  #failed = false;

  /** @param warn receives errors; if it is not given, they are thrown */
  constructor(writer: Writer, warn: Logger | undefined) {
    this.#writer = writer;
    this.#warn = warn;
  }

  open(run: WriterRun): Promise<void> {
    return this.#attempt('open', () => this.#writer.open?.(run));
  }

  write(batch: WriteBatch): Promise<void> {
    return this.#attempt('write', () => this.#writer.write(batch), batch.iteration);
  }

  /** Closes the writer, even after an error. A second error is then ignored, because it usually has the same cause. */
  close(): Promise<void> {
    const before = this.#failed;
    this.#failed = false;
    return this.#attempt('close', () => this.#writer.close?.()).catch((error: unknown) => {
      if (!before) throw error;
    });
  }

  async #attempt(what: string, run: () => void | Promise<void>, iteration?: number): Promise<void> {
    if (this.#failed) return;
    try {
      await run();
    } catch (cause) {
      this.#failed = true;
      const { name, target } = this.#writer;
      const error = new HooklineError('HKL_WRITER_FAILED', `cannot ${what}: ${describeCause(cause)}`, {
        who: `writer "${name}"${target === undefined ? '' : ` of ${target}`}`,
        where: iteration === undefined ? undefined : `iteration ${iteration}`,
        fix:
          this.#warn === undefined
            ? "Free disk space or correct the path, or set onError: 'warn' to continue without this writer"
            : 'This writer is not used any more',
        cause,
      });
      if (this.#warn === undefined) throw error;
      this.#warn.warn(error.message);
    }
  }
}
