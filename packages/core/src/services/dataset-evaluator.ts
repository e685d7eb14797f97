import type { Results } from '../hooks/hook-table.ts';

/** Sees a data set batch by batch and says at the end how good the outputs were. */
export interface DatasetEvaluator<Inputs = unknown, Outputs = unknown> {
  /** Forgets everything; called before each pass. */
  reset(): void;
  /**
   * One batch on the device with the model's outputs for it. Both are freed when it is done; it disposes what it makes.
   */
  process(inputs: Inputs, outputs: Outputs): void | Promise<void>;
  /** The metrics; nothing for an evaluator that has none. */
  evaluate(): Results | undefined | Promise<Results | undefined>;
  /**
   * For several ranks: what this one has seen of its part of the data, as anything that `structuredClone` copies. With it and
   * {@link DatasetEvaluator.merge} each rank evaluates a part; without, the first rank evaluates all of the data.
   */
  share?(): unknown;
  /**
   * On the first rank, before `evaluate`: takes what all ranks have shared, its own first, in the order of the data, as if it had seen all of
   * it itself.
   */
  merge?(parts: readonly unknown[]): void;
}

/** Whether a value has the methods that every {@link DatasetEvaluator} has. */
export const isDatasetEvaluator = (value: unknown): value is DatasetEvaluator =>
  ['reset', 'process', 'evaluate'].every(
    (name) => typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function',
  );
