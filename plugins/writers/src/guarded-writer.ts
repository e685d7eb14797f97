import { describeCause, HooklineError, type Logger } from '@hookline/core';
import type { WriteBatch, Writer, WriterRun } from './writer.ts';

/** A writer whose errors say which writer and which file, and which is left alone after the first. */
export class GuardedWriter {
  readonly #writer: Writer;
  readonly #warn: Logger | undefined;
  #failed = false;

  /** @param warn where errors go instead of being thrown */
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

  /** Closes it, also after an error; then a second one is not told, since it has the same reason as a rule. */
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
            ? "Make room or mend the path; onError: 'warn' trains on without this writer"
            : 'This writer is left out from here on',
        cause,
      });
      if (this.#warn === undefined) throw error;
      this.#warn.warn(error.message);
    }
  }
}
