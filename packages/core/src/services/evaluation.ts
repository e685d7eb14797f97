import type { EngineHookSet, Results } from '../hooks/hook-table.ts';
import type { StepContext } from '../step-runner.ts';

/** Runs all evaluators once. */
export interface Evaluation {
  /** The results of the `evaluate` hook, empty when nobody evaluates. */
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
  latest: Results | undefined;

  constructor(hooks: EngineHookSet) {
    this.#hooks = hooks;
  }

  async run(step: StepContext): Promise<Results> {
    this.latest = await this.#hooks.phases.evaluate.call({}, step);
    return this.latest;
  }
}
