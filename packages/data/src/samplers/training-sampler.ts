import { assertKnownOptions, type OptionNames, RandomStream } from '@hookline/core';
import { requireShard, stride, type Sampler, type Shard } from './sampler.ts';

/** Options of {@link TrainingSampler}. */
export interface TrainingSamplerOptions extends Shard {
  /** Whether to shuffle the samples anew in every epoch. @default true */
  readonly shuffle?: boolean;
  /** Random stream for the order. Default: a stream with seed 0. */
  readonly random?: RandomStream;
}

/** Names of {@link TrainingSamplerOptions}. */
export const TRAINING_SAMPLER_OPTIONS = {
  rank: true,
  world: true,
  shuffle: true,
  random: true,
} as const satisfies OptionNames<TrainingSamplerOptions>;

/**
 * Yields all samples in random order, epoch after epoch. Processes take the samples of the endless sequence in turn, so together
 * they take every sample once per epoch.
 */
export class TrainingSampler implements Sampler {
  readonly infinite = true;
  readonly size: number;
  readonly #options: TrainingSamplerOptions;
  readonly #random: RandomStream;

  /** @throws HooklineError `HKL_SAMPLER_OPTION` */
  constructor(size: number, options: TrainingSamplerOptions = {}) {
    assertKnownOptions('TrainingSampler', options, TRAINING_SAMPLER_OPTIONS);
    requireShard('TrainingSampler', size, options);
    this.size = size;
    this.#options = options;
    this.#random = options.random ?? new RandomStream(0, 'sampler');
  }

  /** Number of samples of an epoch that this process takes, on average over epochs. */
  get epochSize(): number {
    return this.size / (this.#options.world ?? 1);
  }

  epoch(epoch: number): Uint32Array {
    const order =
      this.#options.shuffle === false
        ? Uint32Array.from({ length: this.size }, (_, index) => index)
        : this.#random.detached(`epoch/${epoch}`).permutation(this.size);
    return stride(order, epoch * this.size, this.#options);
  }
}
