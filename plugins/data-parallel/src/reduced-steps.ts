import type { Communicator, NamedTensors } from '@hookline/core';
import { allReduceMean, type StepLosses, type StepRanks, type tf } from '@hookline/tfjs';
import type { DataParallelOptions } from './options.ts';
import { alignVariables } from './share-variables.ts';

const FLOAT_BYTES = 4;

type Variables = ReadonlyMap<string, tf.Variable>;

/** The step in progress. */
interface SharedStep {
  /** The losses of this rank. */
  readonly losses: StepLosses;
  /** The means over all ranks, once they are known. */
  shared: StepLosses | undefined;
}

/**
 * Averages the results of a step over all ranks. A tap of `gradients` averages the gradients, together with the losses and with the
 * variables of the model that the forward pass has assigned, such as moving averages. In a step that makes no update, this tap is not called, and
 * only losses and variables are averaged.
 */
export class ReducedSteps implements StepRanks {
  readonly size: number;
  readonly syncBatchNorm: boolean;
  readonly mean = allReduceMean;
  readonly #comm: Communicator;
  readonly #bucketBytes: number;
  /** The model's variables other than its weights, each with its data before the forward pass. */
  #before: readonly (readonly [variable: tf.Variable, data: object])[] = [];
  #step: SharedStep | undefined;

  constructor(comm: Communicator, { bucketBytes, syncBatchNorm }: Required<DataParallelOptions>) {
    this.size = comm.size;
    this.syncBatchNorm = syncBatchNorm;
    this.#comm = comm;
    this.#bucketBytes = bucketBytes;
  }

  align(variables: Variables): Promise<void> {
    return alignVariables(this.#comm, variables);
  }

  /** Called before a forward pass, with the variables of the model that the pass may assign. */
  begin(state: Variables): void {
    this.#before = [...state.values()].map((variable) => [variable, variable.dataId]);
  }

  shareLosses<T>(losses: StepLosses, handOn: () => T): { readonly result: T; readonly shared: StepLosses } {
    const step: SharedStep = { losses, shared: undefined };
    this.#step = step;
    try {
      const result = handOn();
      if (step.shared === undefined) this.reduce({});
      return { result, shared: step.shared as unknown as StepLosses };
    } finally {
      this.#step = undefined;
      this.#before = [];
    }
  }

  /**
   * Returns the means of the gradients over all ranks. They are reduced in buckets, those of the last variables first, because the backward
   * pass computes these first. The last bucket also holds the losses and the variables, so that a loss or gradient that is not finite
   * on one rank is not finite on any of them.
   */
  reduce(gradients: NamedTensors): NamedTensors {
    const step = this.#step as SharedStep;
    const { losses, total } = step.losses;
    const buckets = fillBuckets(gradients, this.#bucketBytes);
    const last = buckets.pop() ?? [];
    const means: Record<string, tf.Tensor> = {};
    const keep = (names: readonly string[], reduced: readonly tf.Tensor[]): void =>
      names.forEach((name, place) => (means[name] = reduced[place] as tf.Tensor));
    for (const names of buckets) keep(names, allReduceMean(names.map((name) => gradients[name] as tf.Tensor)));
    // Each rank has updated its moving averages with its own batch.
    const states = this.#before.flatMap(([variable, data]) =>
      variable.dtype === 'float32' && variable.dataId !== data ? [variable] : [],
    );
    const names = Object.keys(losses);
    // A single loss equals the total.
    const figures = names.length === 1 ? [total] : [...Object.values(losses), total];
    const all = allReduceMean([...last.map((name) => gradients[name] as tf.Tensor), ...states, ...figures]);
    keep(last, all.slice(0, last.length));
    states.forEach((state, place) => state.assign(all[last.length + place] as tf.Tensor));
    const reduced = all.slice(last.length + states.length) as tf.Scalar[];
    const sum = reduced.at(-1) as tf.Scalar;
    step.shared = {
      losses: Object.fromEntries(names.map((name, place) => [name, reduced[place] ?? sum])),
      total: sum,
    };
    return Object.fromEntries(Object.keys(gradients).map((name) => [name, means[name] as tf.Tensor]));
  }
}

function fillBuckets(gradients: NamedTensors, bucketBytes: number): string[][] {
  const buckets: string[][] = [];
  let filled = Infinity;
  for (const name of Object.keys(gradients).reverse()) {
    const bytes = (gradients[name] as tf.Tensor).size * FLOAT_BYTES;
    if (filled + bytes > bucketBytes) {
      buckets.push([]);
      filled = 0;
    }
    buckets.at(-1)?.push(name);
    filled += bytes;
  }
  return buckets;
}
