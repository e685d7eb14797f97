import type { Results } from '@hookline/core';

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
}
