import { assertKnownOptions, type OptionNames, runOf } from '@hookline/core';
import { requireShard, type Sampler, type Shard } from './sampler.ts';

/**
 * Yields every sample once, in order. Each process takes a contiguous range; if the samples cannot be divided evenly, the first processes take one more. With
 * fewer samples than processes, some ranges are empty.
 */
export class InferenceSampler implements Sampler {
  readonly infinite = false;
  readonly size: number;
  readonly #first: number;
  readonly #end: number;

  /** @throws HooklineError `HKL_SAMPLER_OPTION` */
  constructor(size: number, shard: Shard = {}) {
    assertKnownOptions('InferenceSampler', shard, { rank: true, world: true } satisfies OptionNames<Shard>);
    requireShard('InferenceSampler', size, shard, 0);
    const { rank = 0, world = 1 } = shard;
    this.size = size;
    [this.#first, this.#end] = runOf(size, { rank, size: world });
  }

  epoch(): Uint32Array {
    return Uint32Array.from({ length: this.#end - this.#first }, (_, place) => this.#first + place);
  }
}
