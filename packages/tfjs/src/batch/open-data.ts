import { HooklineError } from '@hookline/core';
import { z } from 'zod';
/** A dataset of `tf.data`: each of its iterators is one pass. */
export interface TfDataset {
  iterator(): Promise<TfIterator>;
  /** Elements in a pass; null where that is not known. */
  readonly size?: number | null;
}

/** An iterator of `tf.data` (`await dataset.iterator()`): one pass, which cannot begin again. */
export interface TfIterator {
  next(): Promise<IteratorResult<unknown>>;
}

/** Batches, one after the other, again from the beginning each time they are iterated. */
export type BatchIterable = Iterable<unknown> | AsyncIterable<unknown> | TfDataset | TfIterator;
/** Where batches come from: something to iterate, or a function that makes it for each pass. */
export type DataSource = BatchIterable | (() => BatchIterable);

/** What {@link openData} gives. */
export type OpenedData = Iterable<unknown> | AsyncIterable<unknown>;

/**
 * One pass over a data source, for `for await`. A dataset or an iterator of `tf.data` is wrapped; its length, where it
 * is known, is the `size` of the wrapper.
 *
 * @param passesBefore how many iterators of a dataset to make and drop first. A dataset that shuffles anew in each pass
 * draws from its seed whenever an iterator is made, so that pass n has its order only after n others.
 * @returns undefined for what cannot be iterated
 */
export function openData(data: DataSource, passesBefore = 0): OpenedData | undefined {
  const source: unknown = typeof data === 'function' ? data() : data;
  if (typeof source !== 'object' || source === null) return undefined;
  if (Symbol.iterator in source || Symbol.asyncIterator in source) return source as OpenedData;
  if (isDataset(source)) return passOf(source, passesBefore);
  return isBareIterator(source) ? { [Symbol.asyncIterator]: () => ({ next: () => source.next() }) } : undefined;
}

/** Whether it is a dataset of `tf.data`. */
export const isDataset = (value: unknown): value is TfDataset =>
  has(value, 'iterator') && has(value, 'forEachAsync') && !has(value, 'next');

/** Whether it is an iterator that is no iterable, as those of `tf.data` are. */
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

/** Checks an option of a plugin that takes a {@link DataSource}: batches to iterate, or a function that returns them. */
export const dataSourceSchema: z.ZodType<DataSource, DataSource> = z.custom<DataSource>(
  (value) => typeof value === 'function' || (typeof value === 'object' && value !== null),
  'must be batches to iterate, or a function that returns them',
);

/**
 * Stands in the place of training data in a trainer that only predicts and evaluates, so that nothing is read. The position
 * of a checkpoint is kept as it is, whatever data it is of. Whoever asks for a batch gets {@link unreadDataError}.
 */
export const unreadData: DataSource = () => {
  throw unreadDataError();
};

/** The error `HKL_DATA_UNREAD`: a training is asked for where the training data are not read. */
export const unreadDataError = (): HooklineError =>
  new HooklineError('HKL_DATA_UNREAD', 'the training data have not been read', {
    who: 'data',
    fix: 'A trainer that has loaded a checkpoint by loadForInference does not train: make another one for that, and load by resumeOrLoad',
  });
