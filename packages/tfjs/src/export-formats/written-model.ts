import type tf from '#tfjs';

/** An output of a written model, on the host. */
export interface HostOutput {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** A written model that can be run. */
export interface WrittenModel {
  /** The runtime that runs it. */
  readonly runtime: string;
  /** @param inputs tensors by name; the caller keeps ownership */
  run(inputs: ReadonlyMap<string, tf.Tensor>): Promise<ReadonlyMap<string, HostOutput>>;
  close(): void;
}
