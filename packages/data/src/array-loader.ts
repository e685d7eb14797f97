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

/** The fields of a data set by name. All fields must have the same number of samples. */
export type Fields = Readonly<Record<string, FieldInput>>;
/** One batch: for each field, the samples of the batch. */
export type ArrayBatch<F extends Fields> = { -readonly [Name in keyof F]: Field<FieldData<F[Name]>> };

/** Options of {@link ArrayLoader}. */
export interface ArrayLoaderOptions<F extends Fields> {
  readonly batchSize: number;
  /** Shuffles the samples anew in every epoch. Default false. */
  readonly shuffle?: boolean;
  /** Drops a last batch that is not full. Default: the same as `repeat`. */
  readonly dropLast?: boolean;
  /** Yields epoch after epoch, without end. Default false. */
  readonly repeat?: boolean;
  /** Random stream for the order and for `transform`. Default: a stream with seed 0. */
  readonly random?: RandomStream;
  /** Changes a batch in place, for example to augment it. `random` depends only on epoch and batch. */
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

/** Position of an {@link ArrayLoader}; plain JSON. */
export interface ArrayLoaderState {
  readonly epoch: number;
  /** Number of batches already yielded in this epoch. */
  readonly batch: number;
}

/**
 * Yields batches of a data set that fits into memory.
 *
 * The order of an epoch and the random numbers of a batch depend only on the seed, the epoch and the batch, so
 * the position is the whole state and resuming is exact.
 */
export class ArrayLoader<F extends Fields> implements Iterable<ArrayBatch<F>> {
  /** Number of samples in the data set. */
  readonly samples: number;
  readonly #fields: Readonly<Record<string, Field>>;
  readonly #options: ArrayLoaderOptions<F>;
  readonly #random: RandomStream;
  #share: RankShare = WHOLE;
  #epoch = 0;
  #batch = 0;
  #contents: string | undefined;
  /** Number of batches in one epoch, over all ranks. */
  readonly #batches: number;

  /**
   * @param fields by name, each with one entry per sample: `{ data, shape }`, a typed array, arrays of numbers (which become
   * float32, as with `tf.tensor`), or a tensor (which is read but not disposed of)
   * @throws HooklineError `HKL_DATA_FIELDS` if a field is none of these or the fields differ in their number of samples; `HKL_DATA_BATCH_SIZE`
   * if `batchSize` is no positive integer; `HKL_DATA_EMPTY` if there is not one full batch; `HKL_OPTION_UNKNOWN` for a misspelt option
   */
  constructor(fields: F, options: ArrayLoaderOptions<F>) {
    assertKnownOptions('ArrayLoader', options, OPTIONS);
    this.#fields = asFields(fields);
    const { batchSize, repeat = false, dropLast = repeat } = options;
    this.samples = countSamples(this.#fields);
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new HooklineError('HKL_DATA_BATCH_SIZE', `batchSize must be a whole number from 1 up, not ${batchSize}`, {
        who: 'ArrayLoader',
        fix: 'Give batchSize: 32, for example',
      });
    }
    this.#batches = (dropLast ? Math.floor : Math.ceil)(this.samples / batchSize);
    if (this.#batches === 0) {
      throw new HooklineError('HKL_DATA_EMPTY', `${this.samples} samples do not fill one batch of ${batchSize}`, {
        who: 'ArrayLoader',
        fix: 'Lower batchSize, set dropLast: false, or check where the data comes from',
      });
    }
    this.#options = options;
    this.#random = options.random ?? new RandomStream(0, 'array-loader');
  }

  /** Number of batches in one epoch, for this rank. */
  get length(): number {
    if (this.#share.of === 'rows') return this.#batches;
    const [first, end] = runOf(this.#batches, this.#share);
    return end - first;
  }

  /**
   * Restricts the loader to this rank's share: `rows` of every batch, or a contiguous range of whole `batches`. Positions still refer to the whole data.
   *
   * @throws HooklineError `HKL_DATA_SHARE` if `batchSize` is no multiple of the number of ranks
   */
  shareAmong(share: RankShare): void {
    assertShared('ArrayLoader', this.#options.batchSize, share);
    this.#share = share;
  }

  /** The position, for a checkpoint. */
  state(): ArrayLoaderState {
    return { epoch: this.#epoch, batch: this.#batch };
  }

  /** Continues from the position `state`. @throws HooklineError `HKL_DATA_STATE` if it is no valid position in these data */
  restore(state: ArrayLoaderState): void {
    assertPosition('ArrayLoader', this.misfit(state));
    const { epoch, batch } = state;
    this.#epoch = epoch;
    this.#batch = batch;
  }

  /** Says in one sentence why a state is no valid position in these data; undefined if it is valid. */
  misfit(state: unknown): string | undefined {
    const { epoch, batch } = (state ?? {}) as Partial<Record<string, unknown>>;
    if (!isCount(epoch)) return `"epoch" is ${shown(epoch)}, and should be a count`;
    if (!isCount(batch)) return `"batch" is ${shown(batch)}, and should be a count`;
    return batch <= this.#batches ? undefined : `"batch" is ${batch}, and an epoch has ${this.#batches} batches`;
  }

  /** Identifies the data for which positions are valid: sizes, and a hash of the samples at the time of the first call. */
  fingerprint(): {
    readonly samples: number;
    readonly batchSize: number;
    readonly shuffle: boolean;
    readonly contents: string;
  } {
    const { batchSize, shuffle = false } = this.#options;
    return { samples: this.samples, batchSize, shuffle, contents: (this.#contents ??= hashFields(this.#fields)) };
  }

  /** Yields the batches from the current position on; without `repeat`, to the end of the epoch. */
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
    // Ranks that share a batch need different random numbers for their rows.
    const own = size > 1 && of === 'rows' ? `/rank/${rank}` : '';
    const batch = Object.fromEntries(
      Object.entries(this.#fields).map(([name, field]) => [name, pick(field, chosen)]),
    ) as unknown as ArrayBatch<F>;
    transform?.(batch, this.#fresh(`batch/${this.#epoch}/${index}${own}`));
    return batch;
  }

  /** A new stream at its start. Streams that are kept for every batch would accumulate. */
  #fresh(name: string): RandomStream {
    return this.#random.detached(name);
  }
}

function pick<A extends FieldArray>({ data, shape: [, ...sample] }: Field<A>, chosen: Uint32Array): Field<A> {
  const size = sample.reduce((product, length) => product * length, 1);
  // Reading a file gives a Buffer; normalise it to a plain Uint8Array.
  const ArrayClass = (Buffer.isBuffer(data) ? Uint8Array : data.constructor) as new (length: number) => A;
  const picked = new ArrayClass(chosen.length * size);
  chosen.forEach((from, to) => picked.set(data.subarray(from * size, (from + 1) * size), to * size));
  return { data: picked, shape: [chosen.length, ...sample] };
}

function asFields(fields: unknown): Readonly<Record<string, Field>> {
  // A tensor is rejected here too, because it is no plain object.
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
      { who: 'ArrayLoader', fix: `Give ${size} numbers, or correct the shape` },
    );
  });
  const [first = 0] = counts;
  if (counts.every((count) => count === first)) return first;
  const sizes = Object.keys(fields).map((name, index) => `${name}: ${counts[index]}`);
  throw new HooklineError('HKL_DATA_FIELDS', `fields hold different numbers of samples (${sizes.join(', ')})`, {
    who: 'ArrayLoader',
    fix: 'Give every field one entry per sample',
  });
}
