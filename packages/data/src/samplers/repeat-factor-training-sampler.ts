import { assertKnownOptions, RandomStream } from '@hookline/core';
import { requireSampler, requireShard, stride, type Sampler } from './sampler.ts';
import { TRAINING_SAMPLER_OPTIONS, type TrainingSamplerOptions } from './training-sampler.ts';

/**
 * Repeats images of rare categories (Gupta, Dollár, Girshick: LVIS, 2019). A factor of 1.3 means once in each epoch,
 * and a second time in three of ten epochs.
 */
export class RepeatFactorTrainingSampler implements Sampler {
  readonly infinite = true;
  /** Mean repetitions per epoch, by sample. */
  readonly factors: readonly number[];
  readonly #options: TrainingSamplerOptions;
  readonly #random: RandomStream;

  /** @throws HooklineError `HKL_SAMPLER_OPTION` if a factor is below 1, or if there are fewer samples than processes */
  constructor(factors: readonly number[], options: TrainingSamplerOptions = {}) {
    const who = 'RepeatFactorTrainingSampler';
    assertKnownOptions(who, options, TRAINING_SAMPLER_OPTIONS);
    requireShard(who, factors.length, options);
    const wrong = factors.find((factor) => !(factor >= 1 && Number.isFinite(factor)));
    requireSampler(wrong === undefined, who, `factors must be 1 or more, not ${wrong ?? ''}`);
    // Epochs have different lengths, so processes start taking turns anew in each epoch.
    requireSampler(factors.length >= (options.world ?? 1), who, 'there are fewer samples than processes');
    this.factors = factors;
    this.#options = options;
    this.#random = options.random ?? new RandomStream(0, 'sampler');
  }

  epoch(epoch: number): Uint32Array {
    const random = this.#random.detached(`epoch/${epoch}`);
    const indices = this.factors.flatMap((factor, index) => {
      const times = Math.floor(factor) + (random.float() < factor % 1 ? 1 : 0);
      return Array.from({ length: times }, () => index);
    });
    const order = Uint32Array.from(indices);
    return stride(this.#options.shuffle === false ? order : random.shuffle(order), 0, this.#options);
  }
}

/**
 * Computes repeat factors from category frequencies: r(c) = max(1, sqrt(threshold / f(c))), where f(c) is the share of images
 * that show c. The factor of an image is the largest one of its categories, or 1 without any.
 *
 * @param categories the categories of the objects in each image
 * @param threshold share of images below which a category is repeated
 */
export function repeatFactors(categories: readonly (readonly number[])[], threshold: number): number[] {
  const images = new Map<number, number>();
  const sets = categories.map((list) => new Set(list));
  for (const set of sets) for (const category of set) images.set(category, (images.get(category) ?? 0) + 1);
  const factorOf = (category: number): number =>
    Math.max(1, Math.sqrt((threshold * categories.length) / (images.get(category) ?? 1)));
  return sets.map((set) => Math.max(1, ...[...set].map(factorOf)));
}
