import type { EngineHookSet, Results } from '../hooks/hook-table.ts';
import type { StepContext } from '../step-runner.ts';

/** Runs all evaluators once. */
export interface Evaluation {
  /** The results of the `evaluate` hook, empty when nobody evaluates. */
  run(step: StepContext): Promise<Results>;
  /** What {@link Evaluation.run} gave last. */
  readonly latest: Results | undefined;
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
