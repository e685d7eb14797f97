import type { EngineHookSet, Results } from '../hooks/hook-table.ts';
import type { StepContext } from '../step-runner.ts';
import type { Communicator } from './communicator.ts';
import { onFirstRank } from './ranks.ts';

/** Runs all evaluators once. */
export interface Evaluation {
  /**
   * Calls the `evaluate` hook and returns its results, on every rank those of the first one; empty where no plugin
   * evaluates.
   */
  run(step: StepContext): Promise<Results>;
  /** The last results of {@link Evaluation.run}; undefined before the first evaluation. */
  readonly latest: Results | undefined;
  /**
   * Calls `fn` while the model holds the weights that evaluation uses, such as a moving average of the weights. What
   * `fn` assigns to the model's state, such as the statistics of batch norm, is kept for later evaluations; the weights
   * and the state of the training are restored afterwards. Undefined where evaluation uses the weights of the training.
   */
  withWeights?<T>(fn: () => T | Promise<T>): Promise<T>;
}

/** Calls the `evaluate` hook. */
export class HookEvaluation implements Evaluation {
  readonly #hooks: EngineHookSet;
  readonly #comm: () => Communicator;
  latest: Results | undefined;

  constructor(hooks: EngineHookSet, comm: () => Communicator) {
    this.#hooks = hooks;
    this.#comm = comm;
  }

  async run(step: StepContext): Promise<Results> {
    const own = await this.#hooks.byName.evaluate.call({}, step);
    // A plugin that acts on a metric, such as early stopping, must do the same on all ranks.
    this.latest = await onFirstRank(this.#comm(), () => own, 'the results of the evaluation');
    return this.latest;
  }
}
