import { definePluginService } from '../container/service-ref.ts';
import type { Waits } from '../hooks/waits.ts';
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

/** What the queues of a trainer work with. */
export interface BackgroundContext {
  readonly logger: Logger;
  readonly control: RunControl;
  readonly waits: Waits;
}
