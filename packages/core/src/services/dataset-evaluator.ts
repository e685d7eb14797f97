import type { Results } from '../hooks/hook-table.ts';

/** Computes metrics of a model's outputs for a data set, which it is given batch by batch. */
export interface DatasetEvaluator<Inputs = unknown, Outputs = unknown> {
  /** Discards what it has seen. Called before each pass over the data. */
  reset(): void;
  /**
   * Takes one batch on the device and the model's outputs for it. The caller disposes both afterwards; the evaluator
   * disposes the tensors that it makes.
   */
  process(inputs: Inputs, outputs: Outputs): void | Promise<void>;
  /** Returns the metrics, or nothing for an evaluator that has none. */
  evaluate(): Results | undefined | Promise<Results | undefined>;
  /**
   * For several ranks: returns what this rank has seen of its part of the data, as a value that `structuredClone` can
   * copy. With this method and {@link DatasetEvaluator.merge} each rank evaluates a part of the data; without them the
   * first rank evaluates all of it.
   */
  share?(): unknown;
  /**
   * Called on the first rank before `evaluate`: merges what all ranks have returned from `share`, its own first, in the
   * order of the data, as if this evaluator had seen all of it.
   */
  merge?(parts: readonly unknown[]): void;
}

/** Whether a value has the methods that every {@link DatasetEvaluator} has. */
export const isDatasetEvaluator = (value: unknown): value is DatasetEvaluator =>
  ['reset', 'process', 'evaluate'].every(
    (name) => typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function',
  );
