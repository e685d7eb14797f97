import { assertKnownOptions, RandomStream } from '@hookline/core';
import { requireSampler, requireShard, type Sampler } from './sampler.ts';
import { TRAINING_SAMPLER_OPTIONS, TrainingSampler, type TrainingSamplerOptions } from './training-sampler.ts';

/** Like {@link TrainingSampler}, for a random subset of the samples that is the same in every epoch. */
export class RandomSubsetTrainingSampler implements Sampler {
  readonly infinite = true;
  readonly #draw: () => Uint32Array;
  readonly #sampler: TrainingSampler;
  #subset: Uint32Array | undefined;

  /**
   * @param size number of samples in the data set
   * @param ratio share of the samples, above 0 and at most 1; the subset has floor(size * ratio) samples
   * @throws HooklineError `HKL_SAMPLER_OPTION`
   */
  constructor(size: number, ratio: number, options: TrainingSamplerOptions = {}) {
    const who = 'RandomSubsetTrainingSampler';
    assertKnownOptions(who, options, TRAINING_SAMPLER_OPTIONS);
    requireShard(who, size, options);
    requireSampler(ratio > 0 && ratio <= 1, who, `the ratio must be above 0 and at most 1, not ${ratio}`);
    const count = Math.floor(size * ratio);
    requireSampler(count > 0, who, `ratio ${ratio} of ${size} samples gives an empty subset`);
    const random = options.random ?? new RandomStream(0, 'sampler');
    this.#draw = () => random.detached('subset').permutation(size).slice(0, count);
    this.#sampler = new TrainingSampler(count, { ...options, random });
  }

  /** Indices of the samples in the subset. They are drawn at the first access, because resuming may change the seed until then. */
  get subset(): Uint32Array {
    return (this.#subset ??= this.#draw());
  }

  get epochSize(): number {
    return this.#sampler.epochSize;
  }

  epoch(epoch: number): Uint32Array {
    return this.#sampler.epoch(epoch).map((place) => this.subset[place] as number);
  }
}
