import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { describeCause, HooklineError } from '../errors.ts';
import { assertKnownOptions, type OptionNames } from '../known-options.ts';
import type { Background, BackgroundContext, BackgroundTaskOptions } from './background.ts';

/** How many tasks may wait: where a server is down, they must not fill the memory. */
const MOST_WAITING = 1000;
/** How many tasks a message names; the others are counted. */
const NAMED = 3;

const OPTIONS = {
  timeout: true,
  retries: true,
  backoff: true,
  required: true,
} satisfies OptionNames<BackgroundTaskOptions>;

interface Task {
  readonly name: string;
  readonly run: (signal: AbortSignal) => unknown;
  readonly options: Required<BackgroundTaskOptions>;
  attempts: number;
  /** The error of the last attempt. */
  failure?: unknown;
}

/** The background tasks of one plugin. */
export class BackgroundQueue implements Background {
  readonly #plugin: string;
  readonly #context: BackgroundContext;
  readonly #queue = new PQueue({ concurrency: 1 });
  /** Aborts when the training is over. */
  #end = new AbortController();
  #isOpen = false;
  readonly #unfinished = new Set<Task>();
  #added = 0;
  /** The first few tasks that were not done, in words. */
  #notDone: string[] = [];
  #notDoneCount = 0;
  /** Whether the last task that ended has failed, so that a server that is down is reported once. */
  #isFailing = false;

  constructor(plugin: string, context: BackgroundContext) {
    this.#plugin = plugin;
    this.#context = context;
  }

  get concurrency(): number {
    return this.#queue.concurrency;
  }

  set concurrency(value: number) {
    if (!Number.isInteger(value) || value < 1)
      throw this.#invalid(`concurrency is ${String(value)}`, 'Give a whole number from 1 up');
    this.#queue.concurrency = value;
  }

  get size(): number {
    return this.#unfinished.size;
  }

  /** Accepts tasks from now on. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#end = new AbortController();
  }

  add(name: string, run: (signal: AbortSignal) => unknown, given: BackgroundTaskOptions = {}): void {
    const task: Task = { name, run, options: this.#checked(name, run, given), attempts: 0 };
    if (!this.#isOpen) {
      throw new HooklineError('HKL_BACKGROUND_CLOSED', `the background task "${name}" comes after the training`, {
        who: this.#plugin,
        fix: 'Add tasks from setup to afterTrain; what has to be done in dispose is awaited there',
      });
    }
    this.#added++;
    if (this.#queue.size >= MOST_WAITING) {
      this.#fail(task, `${MOST_WAITING} tasks were waiting before it`);
      return;
    }
    this.#unfinished.add(task);
    const { signal } = this.#end;
    void this.#queue.add(() => this.#run(task, signal));
  }

  /** Resolves when no task is left. */
  async idle(): Promise<void> {
    await this.#queue.onIdle();
  }

  /** The tasks that are left, for messages. */
  describe(): readonly string[] {
    if (this.size === 0) return [];
    return [`${this.#plugin} (${inShort([...this.#unfinished].map(({ name }) => `"${name}"`))})`];
  }

  /**
   * Aborts the tasks that are left, and logs what was not done. @returns an error for each required task that was left
   */
  close(): readonly HooklineError[] {
    if (!this.#isOpen) return [];
    this.#isOpen = false;
    const errors: HooklineError[] = [];
    for (const task of this.#unfinished) {
      const { attempts, failure } = task;
      const reason =
        attempts === 0
          ? 'not begun'
          : `not done at the end of the training${failure === undefined ? '' : `; tried ${attempts} times, before that ${describeCause(failure)}`}`;
      this.#note(task, reason);
      if (task.options.required) errors.push(this.#error(task, reason));
    }
    this.#unfinished.clear();
    this.#queue.clear();
    this.#end.abort(new Error('the training is over'));
    if (this.#notDoneCount > 0) {
      this.#context.logger.warn(
        `${this.#plugin}: ${this.#notDoneCount} of ${this.#added} background tasks were not done: ${inShort(this.#notDone, this.#notDoneCount)}`,
      );
    }
    [this.#added, this.#notDone, this.#notDoneCount, this.#isFailing] = [0, [], 0, false];
    return errors;
  }

  async #run(task: Task, end: AbortSignal): Promise<void> {
    try {
      await persist(task, end);
      this.#isFailing = false;
    } catch (error) {
      // A task that the end of the training has aborted has been reported already.
      if (this.#unfinished.has(task)) this.#fail(task, describeCause(error), error);
    } finally {
      this.#unfinished.delete(task);
    }
  }

  #fail(task: Task, reason: string, cause?: unknown): void {
    const { name, attempts, options } = task;
    this.#note(task, attempts > 1 ? `${reason}, ${attempts} times` : reason);
    if (options.required) {
      this.#context.control.fail(this.#error(task, reason, cause));
    } else if (!this.#isFailing) {
      const often = attempts > 1 ? ` ${attempts} times` : '';
      this.#context.logger.warn(
        `${this.#plugin}: the background task "${name}" failed${often}: ${reason}. The training goes on, and at its end tells what was not done`,
      );
    }
    this.#isFailing = true;
  }

  #note({ name }: Task, reason: string): void {
    this.#notDoneCount++;
    if (this.#notDone.length < NAMED) this.#notDone.push(`"${name}" (${reason})`);
  }

  #error({ name }: Task, reason: string, cause?: unknown): HooklineError {
    return new HooklineError('HKL_BACKGROUND_FAILED', `its background task "${name}" failed: ${reason}`, {
      who: this.#plugin,
      where: 'service background',
      fix: 'Fix what it depends on; without required: true the training goes on all the same',
      cause,
    });
  }

  #checked(name: string, run: unknown, given: BackgroundTaskOptions): Required<BackgroundTaskOptions> {
    if (typeof name !== 'string' || name === '' || typeof run !== 'function')
      throw this.#invalid('a task needs a name and a function', "Call background.add('what it does', (signal) => ...)");
    assertKnownOptions(`background.add of ${this.#plugin}`, given, OPTIONS);
    const { timeout = 30_000, retries = 3, backoff = 1000, required = false } = given;
    for (const [option, value] of Object.entries({ timeout, retries, backoff })) {
      const isCount = Number.isInteger(value) && value >= 0 && value < 2 ** 31;
      if (!isCount || (option === 'timeout' && value === 0))
        throw this.#invalid(
          `${option} is ${String(value)}`,
          'Give a whole number; timeout and backoff are milliseconds',
        );
    }
    return { timeout, retries, backoff, required };
  }

  #invalid(what: string, fix: string): HooklineError {
    return new HooklineError('HKL_OPTION_INVALID', what, { who: this.#plugin, where: 'service background', fix });
  }
}

/** Tries until an attempt succeeds or the last retry has failed. */
async function persist(task: Task, end: AbortSignal): Promise<void> {
  const { timeout, retries, backoff } = task.options;
  for (let wait = backoff; ; wait *= 2) {
    try {
      task.attempts++;
      await attempt(task, end, timeout);
      return;
    } catch (error) {
      task.failure = error;
      if (task.attempts > retries || end.aborted) throw error;
    }
    await sleep(wait, undefined, { signal: end });
  }
}

/** Makes one attempt, which ends when its time is over or when the training ends, whatever the task does. */
async function attempt({ run }: Task, end: AbortSignal, timeout: number): Promise<void> {
  const controller = new AbortController();
  let cutOff: (reason: Error) => void = () => undefined;
  const cut = new Promise<never>((_, reject) => (cutOff = reject));
  const abort = (reason: Error): void => {
    cutOff(reason);
    controller.abort(reason);
  };
  const onEnd = (): void => abort(end.reason as Error);
  const timer = setTimeout(() => abort(new Error(`not done within ${timeout} ms`)), timeout);
  end.addEventListener('abort', onEnd, { once: true });
  try {
    await Promise.race([run(controller.signal), cut]);
  } finally {
    clearTimeout(timer);
    end.removeEventListener('abort', onEnd);
  }
}

function inShort(names: readonly string[], count = names.length): string {
  const named = names.slice(0, NAMED);
  const rest = count - named.length;
  return named.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
