import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A contestant in a separate process, which answers each line of input with one line. */
export class Worker {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  #complaints = '';

  constructor(command: string, args: readonly string[]) {
    this.#process = spawn(command, args, { env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' } });
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    this.#process.stderr.on(
      'data',
      (text: Buffer) => (this.#complaints = (this.#complaints + text.toString()).slice(-2000)),
    );
    // Ignore errors here: a missing answer reveals a worker that has ended.
    this.#process.stdin.on('error', () => undefined);
    this.#process.on('error', (error) => (this.#complaints += error.message));
  }

  /** Runs `steps` steps of a net. Resolves to the milliseconds per step. */
  async measure(net: string, steps: number): Promise<number> {
    this.#process.stdin.write(`${JSON.stringify({ net, steps })}\n`);
    for (;;) {
      const answer = await this.#answers.next();
      if (answer.done === true) throw new Error(`the process ended: ${this.#lastError()}`);
      if (answer.value.startsWith('{"ms"')) return (JSON.parse(answer.value) as { ms: number }).ms;
    }
  }

  #lastError(): string {
    const lines = this.#complaints.trim().split('\n');
    return lines.findLast((line) => /Error|error/.test(line)) ?? lines.at(-1) ?? 'without a word';
  }

  close(): void {
    this.#process.stdin.end();
    this.#process.kill();
  }
}
