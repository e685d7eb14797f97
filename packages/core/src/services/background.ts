import { definePluginService } from '../container/service-ref.ts';
import type { Waits } from '../hooks/waits.ts';
import type { RunControl } from './control.ts';
import type { Logger } from './logger.ts';

/** Options of a background task. */
export interface BackgroundTaskOptions {
  /** Milliseconds that each attempt may take, including time in which a step blocks the event loop. Default 30,000. */
  readonly timeout?: number;
  /** How often a task that fails is tried again. Default 3. */
  readonly retries?: number;
  /** Milliseconds before the first retry; before each further one it is twice as long. Default 1000. */
  readonly backoff?: number;
  /** Whether the training fails where the task does. Default false: it goes on, and a warning names the task. */
  readonly required?: boolean;
}

/** A queue for work that one plugin does beside the steps, such as requests to a server. No step waits for it. */
export interface Background {
  /** How many tasks of this plugin run at a time. Default 1: each after the one that was added before it. */
  concurrency: number;
  /** How many tasks wait or run. */
  readonly size: number;
  /**
   * Queues a task and returns at once. It fails when it throws or rejects, and when it takes too long; then it is tried
   * again. At the end of the training, once all plugins have done their `afterTrain`, the tasks that are left may take
   * as long as closing a plugin may (`disposeTimeout`). A warning names the tasks that were not done by then, that
   * failed, or that were added while 1000 others were waiting.
   *
   * @param name for messages: what is done, such as `post the metrics of iteration 20`
   * @param task is given a signal that aborts when its time is over; hand it on, as to `fetch(url, { signal })`. Note
   * that `fetch` does not reject for a status such as 500: throw where `response.ok` is false
   * @throws HooklineError `HKL_BACKGROUND_CLOSED` before `beforeTrain` and after the last `afterTrain`,
   * `HKL_OPTION_INVALID`, `HKL_OPTION_UNKNOWN`
   */
  add(name: string, task: (signal: AbortSignal) => unknown, options?: BackgroundTaskOptions): void;
}

/** Gives the plugin a {@link Background} queue of its own. */
export const backgroundRef = definePluginService<Background>('background', {
  description: "a queue of the plugin's own for work beside the steps, with time limit and retries",
});

/** What the queues of a trainer use. */
export interface BackgroundContext {
  readonly logger: Logger;
  readonly control: RunControl;
  readonly waits: Waits;
}
