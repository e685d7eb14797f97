import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import type { Sampler } from './sampler.ts';
import { assertPosition } from '../position.ts';

/** Options of {@link BatchSampler}. */
export interface BatchSamplerOptions {
  readonly batchSize: number;
  /** Drops a last batch that is not full. Endless samplers have no last batch. @default false */
  readonly dropLast?: boolean;
  /** Group of each sample; all samples of a batch are from the same group. Default: one group. */
  readonly groups?: ArrayLike<number>;
}

const OPTIONS = { batchSize: true, dropLast: true, groups: true } as const satisfies OptionNames<BatchSamplerOptions>;

/** Position of a {@link BatchSampler}; plain JSON. */
export interface BatchSamplerState {
  readonly epoch: number;
  /** Number of samples taken in this epoch. */
  readonly position: number;
  /** Samples that were taken and wait for others of their group, in the order in which they came. Empty without groups. */
  readonly held: readonly number[];
}

/** With few samples and many processes, a shard may have an epoch without a sample now and then, but not this many in a row. */
const MOST_EMPTY_EPOCHS = 100_000;

/** Groups a sampler's indices into batches. The state is complete: equal samplers with equal states continue identically. */
export class BatchSampler {
  readonly #sampler: Sampler;
  readonly #options: BatchSamplerOptions;
  #epoch = 0;
  #position = 0;
  #held: number[] = [];
  #order: Uint32Array | undefined;

  /** @throws HooklineError `HKL_DATA_BATCH_SIZE` */
  constructor(sampler: Sampler, options: BatchSamplerOptions) {
    assertKnownOptions('BatchSampler', options, OPTIONS);
    const { batchSize } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new HooklineError('HKL_DATA_BATCH_SIZE', `batchSize must be a whole number from 1 up, not ${batchSize}`, {
        who: 'BatchSampler',
        fix: 'Give batchSize: 32, for example',
      });
    }
    this.#sampler = sampler;
    this.#options = options;
  }

  /**
   * Returns the next batch. For a finite sampler it returns undefined at the end of an epoch; the next call starts the next epoch.
   *
   * @throws HooklineError `HKL_SAMPLER_EMPTY` for an endless sampler whose epochs are empty
   */
  next(): number[] | undefined {
    let empty = 0;
    for (;;) {
      this.#order ??= this.#sampler.epoch(this.#epoch);
      if (this.#position > this.#order.length) {
        const fault = `"position" is ${this.#position}, and epoch ${this.#epoch} has ${this.#order.length} samples`;
        assertPosition('BatchSampler', fault);
      }
      const index = this.#order[this.#position];
      if (index === undefined) {
        const rest = this.#sampler.infinite ? undefined : this.#rest();
        if (rest !== undefined) return rest;
        this.#epoch++;
        this.#position = 0;
        this.#order = undefined;
        if (!this.#sampler.infinite) return undefined;
        if (++empty > MOST_EMPTY_EPOCHS) throw endless();
        continue;
      }
      empty = 0;
      this.#position++;
      this.#held.push(index);
      const batch = this.#take(this.#groupOf(index), this.#options.batchSize);
      if (batch !== undefined) return batch;
    }
  }

  state(): BatchSamplerState {
    return { epoch: this.#epoch, position: this.#position, held: [...this.#held] };
  }

  restore({ epoch, position, held }: BatchSamplerState): void {
    this.#epoch = epoch;
    this.#position = position;
    this.#held = [...held];
    this.#order = undefined;
  }

  #groupOf(index: number): number {
    return this.#options.groups?.[index] ?? 0;
  }

  /** Takes the held samples of a group if there are at least `least`. */
  #take(group: number, least: number): number[] | undefined {
    const batch = this.#held.filter((index) => this.#groupOf(index) === group);
    if (batch.length < least) return undefined;
    this.#held = this.#held.filter((index) => this.#groupOf(index) !== group);
    return batch;
  }

  #rest(): number[] | undefined {
    const [first] = this.#held;
    if (first === undefined) return undefined;
    if (this.#options.dropLast !== true) return this.#take(this.#groupOf(first), 1);
    this.#held = [];
    return undefined;
  }
}

const endless = (): HooklineError =>
  new HooklineError('HKL_SAMPLER_EMPTY', `${MOST_EMPTY_EPOCHS} epochs in a row hold no sample`, {
    who: 'BatchSampler',
    fix: 'Use a sampler whose epoch(n) holds samples, or one that is not infinite',
  });
