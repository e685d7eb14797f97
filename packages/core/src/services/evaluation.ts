import type { EngineHookSet, Results } from '../hooks/hook-table.ts';
import type { StepContext } from '../step-runner.ts';
import type { Communicator } from './communicator.ts';
import { onFirstRank } from './ranks.ts';

/** Runs all evaluators once. */
export interface Evaluation {
  /** The results of the `evaluate` hook, of several ranks those of the first one; empty when nobody evaluates. */
  run(step: StepContext): Promise<Results>;
  /** What {@link Evaluation.run} gave last. */
  readonly latest: Results | undefined;
  /**
   * Where evaluation sees other weights than those of the training, such as their averages: calls `fn` with them in the
   * model. What `fn` assigns to the model's state, such as the statistics of batch norm, is kept for the evaluations to
   * come; the weights of the training and their state are put back. Undefined where both are the same.
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
    const own = await this.#hooks.phases.evaluate.call({}, step);
    // Whoever acts on a metric, such as early stopping, must do the same on all ranks.
    this.latest = await onFirstRank(this.#comm(), () => own, 'the results of the evaluation');
    return this.latest;
  }
}
