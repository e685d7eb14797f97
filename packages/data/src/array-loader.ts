import {
  assertKnownOptions,
  describeValue,
  HooklineError,
  isPlainObject,
  type OptionNames,
  RandomStream,
  type RankShare,
  runOf,
} from '@hookline/core';
import { asField, type Field, type FieldArray, type FieldData, type FieldInput } from './as-field.ts';
import { hashFields } from './hash-fields.ts';
import { assertPosition, isCount, shown } from './position.ts';
import { assertShared, rowsOf, WHOLE } from './loader/loader-share.ts';

/** The fields of a data set by name; all hold equally many samples. */
export type Fields = Readonly<Record<string, FieldInput>>;
/** One batch: for each field, the samples of the batch. */
export type ArrayBatch<F extends Fields> = { -readonly [Name in keyof F]: Field<FieldData<F[Name]>> };

/** Options of {@link ArrayLoader}. */
export interface ArrayLoaderOptions<F extends Fields> {
  readonly batchSize: number;
  /** Another order in every epoch. Default false. */
  readonly shuffle?: boolean;
  /** Leaves out a last batch that is not full. Default: the same as `repeat`. */
  readonly dropLast?: boolean;
  /** Epoch after epoch, without end. Default false. */
  readonly repeat?: boolean;
  /** Where the order and the transform's random numbers come from. Default: a stream of seed 0. */
  readonly random?: RandomStream;
  /** Changes a batch in place, such as augmentation; `random` depends on epoch and batch alone. */
  readonly transform?: (batch: ArrayBatch<F>, random: RandomStream) => void;
}

const OPTIONS = {
  batchSize: true,
  shuffle: true,
  dropLast: true,
  repeat: true,
  random: true,
  transform: true,
} satisfies OptionNames<ArrayLoaderOptions<Fields>>;

/** Where an {@link ArrayLoader} stands. */
export interface ArrayLoaderState {
  readonly epoch: number;
  /** Batches given out in this epoch. */
  readonly batch: number;
}

/**
 * Batches of a data set that fits into memory.
 *
 * The order of an epoch and the random numbers of a batch depend on the seed, the epoch and the batch alone, so
 * that the position is the whole state and resuming is exact.
 */
export class ArrayLoader<F extends Fields> implements Iterable<ArrayBatch<F>> {
  /** Samples in the data set. */
  readonly samples: number;
  readonly #fields: Readonly<Record<string, Field>>;
  readonly #options: ArrayLoaderOptions<F>;
  readonly #random: RandomStream;
  #share: RankShare = WHOLE;
  #epoch = 0;
  #batch = 0;
  #contents: string | undefined;
  /** Batches of one epoch of the whole data. */
  readonly #batches: number;

  /**
   * @param fields by name, each with one entry for each sample: `{ data, shape }`, a typed array, arrays of numbers (which become
   * float32, as with `tf.tensor`), or a tensor (which is read, and stays the caller's)
   * @throws HooklineError `HKL_DATA_FIELDS` for fields that are none of these or do not fit together, `HKL_DATA_BATCH_SIZE`, `HKL_DATA_EMPTY`,
   * `HKL_OPTION_UNKNOWN` for a misspelt option
   */
  constructor(fields: F, options: ArrayLoaderOptions<F>) {
    assertKnownOptions('ArrayLoader', options, OPTIONS);
    this.#fields = asFields(fields);
    const { batchSize, repeat = false, dropLast = repeat } = options;
    this.samples = countSamples(this.#fields);
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new HooklineError('HKL_DATA_BATCH_SIZE', `batchSize must be a whole number from 1 up, not ${batchSize}`, {
        who: 'ArrayLoader',
      });
    }
    this.#batches = (dropLast ? Math.floor : Math.ceil)(this.samples / batchSize);
    if (this.#batches === 0) {
      throw new HooklineError('HKL_DATA_EMPTY', `${this.samples} samples do not fill one batch of ${batchSize}`, {
        who: 'ArrayLoader',
        fix: 'Lower batchSize, set dropLast: false, or look at where the data comes from',
      });
    }
    this.#options = options;
    this.#random = options.random ?? new RandomStream(0, 'array-loader');
  }

  /** Batches of one epoch, of several ranks those of this one. */
  get length(): number {
    if (this.#share.of === 'rows') return this.#batches;
    const [first, end] = runOf(this.#batches, this.#share);
    return end - first;
  }

  /**
   * Gives this rank its share from now on: `rows` of every batch, or a run of whole `batches`. Positions stay those of the whole data.
   *
   * @throws HooklineError `HKL_DATA_SHARE` where `batchSize` is no multiple of the number of ranks
   */
  shareAmong(share: RankShare): void {
    assertShared('ArrayLoader', this.#options.batchSize, share);
    this.#share = share;
  }

  /** Where it stands, for a checkpoint. */
  state(): ArrayLoaderState {
    return { epoch: this.#epoch, batch: this.#batch };
  }

  /** Goes on where `state` was taken. @throws HooklineError `HKL_DATA_STATE` for what is no place in these data */
  restore(state: ArrayLoaderState): void {
    assertPosition('ArrayLoader', this.misfit(state));
    const { epoch, batch } = state;
    this.#epoch = epoch;
    this.#batch = batch;
  }

  /** Why a state is no place in these data, in one sentence; undefined where it is one. */
  misfit(state: unknown): string | undefined {
    const { epoch, batch } = (state ?? {}) as Partial<Record<string, unknown>>;
    if (!isCount(epoch)) return `"epoch" is ${shown(epoch)}, and should be a count`;
    if (!isCount(batch)) return `"batch" is ${shown(batch)}, and should be a count`;
    return batch <= this.#batches ? undefined : `"batch" is ${batch}, and an epoch has ${this.#batches} batches`;
  }

  /** What gives positions their meaning, and a hash of the samples as they are at the first call. */
  fingerprint(): {
    readonly samples: number;
    readonly batchSize: number;
    readonly shuffle: boolean;
    readonly contents: string;
  } {
    const { batchSize, shuffle = false } = this.#options;
    return { samples: this.samples, batchSize, shuffle, contents: (this.#contents ??= hashFields(this.#fields)) };
  }

  /** Gives the batches that follow; without `repeat`, those of one epoch. */
  *[Symbol.iterator](): Generator<ArrayBatch<F>, void, undefined> {
    for (;;) {
      const order = this.#order();
      const [first, end] = this.#share.of === 'rows' ? [0, this.#batches] : runOf(this.#batches, this.#share);
      this.#batch = Math.max(this.#batch, first);
      while (this.#batch < end) {
        const index = this.#batch++;
        const rows = rowsOf(this.#rows(order, index), this.#share);
        if (rows.length > 0) yield this.#gather(rows, index);
      }
      this.#epoch++;
      this.#batch = 0;
      if (this.#options.repeat !== true) return;
    }
  }

  #order(): Uint32Array {
    if (this.#options.shuffle !== true) return Uint32Array.from({ length: this.samples }, (_, index) => index);
    return this.#fresh(`order/${this.#epoch}`).permutation(this.samples);
  }

  #rows(order: Uint32Array, index: number): Uint32Array {
    const { batchSize } = this.#options;
    return order.subarray(index * batchSize, Math.min((index + 1) * batchSize, this.samples));
  }

  #gather(chosen: Uint32Array, index: number): ArrayBatch<F> {
    const { transform } = this.#options;
    const { rank, size, of } = this.#share;
    // Ranks that share a batch change their rows at random each in its own way.
    const own = size > 1 && of === 'rows' ? `/rank/${rank}` : '';
    const batch = Object.fromEntries(
      Object.entries(this.#fields).map(([name, field]) => [name, pick(field, chosen)]),
    ) as unknown as ArrayBatch<F>;
    transform?.(batch, this.#fresh(`batch/${this.#epoch}/${index}${own}`));
    return batch;
  }

  /** A stream of its own object, at its beginning: kept streams of every batch would add up. */
  #fresh(name: string): RandomStream {
    return this.#random.detached(name);
  }
}

function pick<A extends FieldArray>({ data, shape: [, ...sample] }: Field<A>, chosen: Uint32Array): Field<A> {
  const size = sample.reduce((product, length) => product * length, 1);
  // What a file was read into is a Buffer, which is a Uint8Array to everybody but `instanceof`.
  const ArrayClass = (Buffer.isBuffer(data) ? Uint8Array : data.constructor) as new (length: number) => A;
  const picked = new ArrayClass(chosen.length * size);
  chosen.forEach((from, to) => picked.set(data.subarray(from * size, (from + 1) * size), to * size));
  return { data: picked, shape: [chosen.length, ...sample] };
}

function asFields(fields: unknown): Readonly<Record<string, Field>> {
  // A tensor is no plain object either.
  if (isPlainObject(fields) && Object.keys(fields).length > 0)
    return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, asField(name, value)]));
  throw new HooklineError('HKL_DATA_FIELDS', `the fields are ${describeValue(fields)}`, {
    who: 'ArrayLoader',
    fix: 'Give them by name: new ArrayLoader({ x, y }, { batchSize })',
  });
}

function countSamples(fields: Readonly<Record<string, Field>>): number {
  const counts = Object.entries(fields).map(([name, { data, shape }]) => {
    const size = shape.reduce((product, length) => product * length, 1);
    if (size === data.length) return shape[0];
    throw new HooklineError(
      'HKL_DATA_FIELDS',
      `field "${name}" has ${data.length} numbers for shape [${shape.join(', ')}]`,
      { who: 'ArrayLoader' },
    );
  });
  const [first = 0] = counts;
  if (counts.every((count) => count === first)) return first;
  const sizes = Object.keys(fields).map((name, index) => `${name}: ${counts[index]}`);
  throw new HooklineError('HKL_DATA_FIELDS', `fields hold different numbers of samples (${sizes.join(', ')})`, {
    who: 'ArrayLoader',
  });
}
