import { HooklineError } from '@hookline/core';
import { z } from 'zod';
import { invalidDataError } from './data-errors.ts';
import { disposeBatch, toDevice } from './device-batch.ts';

/** A dataset of `tf.data`: each of its iterators is one pass. */
export interface TfDataset {
  iterator(): Promise<TfIterator>;
  /** The number of elements in a pass; null when it is unknown. */
  readonly size?: number | null;
}

/** An iterator of `tf.data` (`await dataset.iterator()`): a single pass that cannot start again. */
export interface TfIterator {
  next(): Promise<IteratorResult<unknown>>;
}

/** Batches in sequence. Each iteration starts again from the beginning, except for an iterator of `tf.data`. */
export type BatchIterable = Iterable<unknown> | AsyncIterable<unknown> | TfDataset | TfIterator;
/** The source of batches: an iterable, or a function that makes one for each pass. */
export type DataSource = BatchIterable | (() => BatchIterable);

/** The result of {@link openData}. */
export type OpenedData = Iterable<unknown> | AsyncIterable<unknown>;

/**
 * Opens one pass over a data source, for `for await`. A dataset or an iterator of `tf.data` is wrapped; the wrapper's
 * `size` is its length, if known.
 *
 * @param passesBefore the number of iterators of a dataset to make and drop first. A dataset that reshuffles in each
 * pass draws from its seed whenever an iterator is made, so pass n (from 0) has its order only after n other iterators
 * @returns undefined for a value that cannot be iterated
 */
export function openData(data: DataSource, passesBefore = 0): OpenedData | undefined {
  const source: unknown = typeof data === 'function' ? data() : data;
  if (typeof source !== 'object' || source === null) return undefined;
  if (Symbol.iterator in source || Symbol.asyncIterator in source) return source as OpenedData;
  if (isDataset(source)) return passOf(source, passesBefore);
  return isBareIterator(source) ? { [Symbol.asyncIterator]: () => ({ next: () => source.next() }) } : undefined;
}

/** Whether the value is a dataset of `tf.data`. */
export const isDataset = (value: unknown): value is TfDataset =>
  has(value, 'iterator') && has(value, 'forEachAsync') && !has(value, 'next');

/** Whether the value is an iterator but not an iterable, as the iterators of `tf.data` are. */
export const isBareIterator = (value: unknown): value is TfIterator =>
  has(value, 'next') && !(Symbol.iterator in value || Symbol.asyncIterator in value);

function passOf(dataset: TfDataset, passesBefore: number): AsyncIterable<unknown> {
  let opened: Promise<TfIterator> | undefined;
  const open = async (): Promise<TfIterator> => {
    for (let pass = 0; pass < passesBefore; pass++) await dataset.iterator();
    return dataset.iterator();
  };
  const pass = {
    size: dataset.size,
    [Symbol.asyncIterator]: () => ({ next: async () => (await (opened ??= open())).next() }),
  };
  return pass;
}

const has = <K extends string>(value: unknown, name: K): value is Record<K, unknown> =>
  typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[name] === 'function';

/**
 * Calls `fn` with each batch of a source on the device, until it returns `false`. Each batch is freed after its call.
 *
 * @throws HooklineError `HKL_DATA_INVALID` for a source that cannot be iterated, and whatever the source and `fn` throw
 */
export async function eachBatch(source: DataSource, fn: (batch: unknown) => Promise<boolean | void>): Promise<void> {
  const batches = openData(source);
  if (batches === undefined) throw invalidDataError(source, 'the data');
  for await (const batch of batches) {
    const device = toDevice(batch, { tensors: Array.isArray(batches) ? 'borrow' : 'consume' });
    try {
      if ((await fn(device.batch)) === false) return;
    } finally {
      disposeBatch(device);
    }
  }
}

/** Validates a plugin option of type {@link DataSource}: iterable batches, or a function that returns them. */
export const dataSourceSchema: z.ZodType<DataSource, DataSource> = z.custom<DataSource>(
  (value) => typeof value === 'function' || (typeof value === 'object' && value !== null),
  'must be batches to iterate, or a function that returns them',
);

/**
 * Replaces training data in a trainer that only predicts and evaluates, so that no data is read. A position from a
 * checkpoint is kept unchanged, whatever data it belongs to. Requesting a batch throws {@link unreadDataError}.
 */
export const unreadData: DataSource = () => {
  throw unreadDataError();
};

/** The error `HKL_DATA_UNREAD`: training was requested although the training data are not read. */
export const unreadDataError = (): HooklineError =>
  new HooklineError('HKL_DATA_UNREAD', 'the training data have not been read', {
    who: 'data',
    fix: 'A trainer that has loaded a checkpoint by loadForInference does not train: make another one for that, and load by resumeOrLoad',
  });
