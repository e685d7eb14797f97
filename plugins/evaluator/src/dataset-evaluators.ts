import { HooklineError, type Results, type DatasetEvaluator } from '@hookline/core';

/** Combines several evaluators: each sees every batch, and their results are merged. */
export class DatasetEvaluators implements DatasetEvaluator {
  readonly #evaluators: readonly DatasetEvaluator[];

  constructor(evaluators: readonly DatasetEvaluator[]) {
    this.#evaluators = evaluators;
  }

  reset(): void {
    for (const evaluator of this.#evaluators) evaluator.reset();
  }

  async process(inputs: unknown, outputs: unknown): Promise<void> {
    for (const evaluator of this.#evaluators) await evaluator.process(inputs, outputs);
  }

  /** Whether all of them can merge the parts of several ranks. */
  get canMerge(): boolean {
    return this.#evaluators.every(canMerge);
  }

  share(): unknown[] {
    return this.#evaluators.map((evaluator) => evaluator.share?.());
  }

  merge(parts: readonly unknown[]): void {
    this.#evaluators.forEach((evaluator, place) =>
      evaluator.merge?.(parts.map((part) => (part as readonly unknown[])[place])),
    );
  }

  /** @throws HooklineError `HKL_EVAL_DUPLICATE` if two return a result with the same name */
  async evaluate(): Promise<Results> {
    const merged: Record<string, number | Results> = {};
    for (const evaluator of this.#evaluators) {
      for (const [name, value] of Object.entries((await evaluator.evaluate()) ?? {})) {
        if (Object.hasOwn(merged, name)) throw duplicateResult(name);
        merged[name] = value;
      }
    }
    return merged;
  }
}

/** Whether an evaluator can merge the parts of several ranks. */
export const canMerge = (evaluator: DatasetEvaluator): boolean =>
  evaluator instanceof DatasetEvaluators
    ? evaluator.canMerge
    : evaluator.share !== undefined && evaluator.merge !== undefined;

/** The error for a duplicate result. */
export function duplicateResult(name: string): HooklineError {
  return new HooklineError('HKL_EVAL_DUPLICATE', `two evaluators give a result called "${name}"`, {
    who: 'evaluation',
    fix: 'Give each a different name, for example the name of its task or data set',
  });
}
