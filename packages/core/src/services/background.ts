import { definePluginService } from '../container/service-ref.ts';
import type { HooklineError } from '../errors.ts';
import type { Wait, Waits } from '../hooks/waits.ts';
import { PluginQueue } from './background-queue.ts';
import type { RunControl } from './control.ts';
import type { Logger } from './logger.ts';

/** How a background task is tried. */
export interface BackgroundTaskOptions {
  /** Milliseconds that each attempt may take; time in which a step computes counts. Default 30,000. */
  readonly timeout?: number;
  /** How often a task that fails is tried again. Default 3. */
  readonly retries?: number;
  /** Milliseconds before the first retry; before each further one it is twice as long. Default 1000. */
  readonly backoff?: number;
  /** Whether the training fails where the task does. Default false: it goes on, and a warning names the task. */
  readonly required?: boolean;
}

/** Work of one plugin beside the steps, such as requests to a server: no step waits for it. */
export interface Background {
  /** How many tasks of this plugin run at a time. Default 1: each after the one that was added before it. */
  concurrency: number;
  /** Tasks that wait or run. */
  readonly size: number;
  /**
   * Queues a task and returns at once. It fails when it throws or rejects, and when it takes too long; then it is tried again. At the
   * end of the training, once all plugins have done their `afterTrain`, the tasks that are left may take as long as a plugin may to
   * close (`disposeTimeout`). What is not done then, what
   * failed, and what was added while 1000 others were waiting is told by name.
   *
   * @param name for messages: what is done, such as `post the metrics of iteration 20`
   * @param task is given a signal that aborts when its time is over; hand it on, as to `fetch(url, { signal })`. Note that `fetch`
   * does not reject for a status such as 500: throw where `response.ok` is false
   * @throws HooklineError `HKL_BACKGROUND_CLOSED` before `beforeTrain` and after the last `afterTrain`, `HKL_OPTION_INVALID`,
   * `HKL_OPTION_UNKNOWN`
   */
  add(name: string, task: (signal: AbortSignal) => unknown, options?: BackgroundTaskOptions): void;
}

export const backgroundRef = definePluginService<Background>('background', {
  description: "a queue of the plugin's own for work beside the steps, with time limit and retries",
});

/** Whoever waits for longer than this is told what for. */
const TELL_AFTER_MS = 1000;

/** What {@link BackgroundQueues} works with. */
export interface BackgroundParts {
  readonly logger: Logger;
  readonly control: RunControl;
  readonly waits: Waits;
}

/** The queues of all plugins of one trainer. */
export class BackgroundQueues {
  readonly #parts: BackgroundParts;
  readonly #queues = new Map<string, PluginQueue>();

  constructor(parts: BackgroundParts) {
    this.#parts = parts;
  }

  /** The queue of a plugin, open until the next {@link BackgroundQueues.drain}. */
  of(plugin: string): Background {
    let queue = this.#queues.get(plugin);
    if (queue === undefined) this.#queues.set(plugin, (queue = new PluginQueue(plugin, this.#parts)));
    queue.open();
    return queue;
  }

  /**
   * Waits until all tasks are done, `limit` milliseconds at most, aborts the others, and tells of each plugin in one line what was
   * not done. A signal ends the wait.
   *
   * @returns an error for each task that was required and not done, unless the training has failed with it already
   */
  async drain(limit: number): Promise<readonly HooklineError[]> {
    const queues = [...this.#queues.values()];
    if (queues.some(({ size }) => size > 0)) await this.#wait(queues, limit);
    return queues.flatMap((queue) => queue.close());
  }

  async #wait(queues: readonly PluginQueue[], limit: number): Promise<void> {
    const { waits, logger } = this.#parts;
    const left = (): string => queues.flatMap((queue) => queue.describe()).join(', ');
    let finish = (): void => undefined;
    const over = new Promise<void>((resolve) => (finish = resolve));
    const wait: Wait = {
      order: waits.ticket(),
      who: 'the trainer',
      where: 'the end of the training',
      since: performance.now(),
      isOptional: true,
      describe: () => `background tasks of ${left()}`,
      giveUp: () => finish(),
    };
    waits.begin(wait);
    const timer = setTimeout(finish, limit);
    const teller = setTimeout(() => {
      logger.info(`waiting ${limit / 1000} s at most for background tasks of ${left()}; Ctrl-C leaves them undone`);
    }, TELL_AFTER_MS);
    void Promise.all(queues.map((queue) => queue.idle())).then(finish);
    await over;
    clearTimeout(timer);
    clearTimeout(teller);
    waits.end(wait);
  }
}
