import type { HooklineError } from '../errors.ts';
import type { Wait } from '../hooks/waits.ts';
import { BackgroundQueue } from './background-queue.ts';
import type { Background, BackgroundContext } from './background.ts';

/** After this time the log says what is being waited for. */
const LOG_AFTER_MS = 1000;

/** The queues of all plugins of one trainer. */
export class BackgroundQueues {
  readonly #context: BackgroundContext;
  readonly #queues = new Map<string, BackgroundQueue>();

  constructor(context: BackgroundContext) {
    this.#context = context;
  }

  /** The queue of a plugin, open until the next {@link BackgroundQueues.drain}. */
  of(plugin: string): Background {
    let queue = this.#queues.get(plugin);
    if (queue === undefined) this.#queues.set(plugin, (queue = new BackgroundQueue(plugin, this.#context)));
    queue.open();
    return queue;
  }

  /**
   * Waits until all tasks are done, `limit` milliseconds at most, then aborts the others. For each plugin one line of
   * the log says what was not done. A signal ends the wait.
   *
   * @returns an error for each task that was required and not done, unless the training has failed with it already
   */
  async drain(limit: number): Promise<readonly HooklineError[]> {
    const queues = [...this.#queues.values()];
    if (queues.some(({ size }) => size > 0)) await this.#wait(queues, limit);
    return queues.flatMap((queue) => queue.close());
  }

  async #wait(queues: readonly BackgroundQueue[], limit: number): Promise<void> {
    const { waits, logger } = this.#context;
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
    const logTimer = setTimeout(() => {
      logger.info(`waiting ${limit / 1000} s at most for background tasks of ${left()}; Ctrl-C leaves them undone`);
    }, LOG_AFTER_MS);
    void Promise.all(queues.map((queue) => queue.idle())).then(finish);
    await over;
    clearTimeout(timer);
    clearTimeout(logTimer);
    waits.end(wait);
  }
}
