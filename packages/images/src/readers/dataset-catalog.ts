import { didYouMean, HooklineError } from '@hookline/core';
import type { Dataset } from './dataset.ts';
import { Metadata } from './metadata.ts';

/** Reads a data set; called on every {@link DatasetCatalog.get}. */
export type DatasetFunction = () => Dataset | Promise<Dataset>;

/**
 * Data sets by name. A catalog is an ordinary object, not a global registry: importing a module registers nothing, and two
 * trainings in one process do not share names.
 */
export class DatasetCatalog {
  readonly #datasets = new Map<string, { read: DatasetFunction; metadata: Metadata }>();

  /**
   * Registers a data set.
   *
   * @param read called by {@link get}, not before
   * @param facts metadata that is known without reading the data
   * @throws HooklineError `HKL_DATASET_DUPLICATE` when the name is taken, `HKL_DATASET_FUNCTION` when `read` is not a function
   */
  register(name: string, read: DatasetFunction, facts: Readonly<Record<string, unknown>> = {}): this {
    if (this.#datasets.has(name)) {
      throw new HooklineError('HKL_DATASET_DUPLICATE', `there is a data set "${name}" already`, {
        who: 'DatasetCatalog',
        fix: 'Choose another name, or remove(name) first',
      });
    }
    if (typeof read !== 'function') {
      throw new HooklineError('HKL_DATASET_FUNCTION', `data set "${name}" needs a function that reads it`, {
        who: 'DatasetCatalog',
        fix: `Give the function, not the data: catalog.register('${name}', () => readCoco({ ... }))`,
      });
    }
    this.#datasets.set(name, { read, metadata: new Metadata(name).set(facts) });
    return this;
  }

  /** Reads a data set and adds its facts to {@link metadata}. @throws HooklineError `HKL_DATASET_UNKNOWN`, and errors of `read` */
  async get(name: string): Promise<Dataset> {
    const { read, metadata } = this.#entry(name);
    const dataset = await read();
    metadata.set({ ...dataset.metadata });
    return dataset;
  }

  /** The metadata of a data set: facts given to {@link register} and, once read, its own. @throws HooklineError `HKL_DATASET_UNKNOWN` */
  metadata(name: string): Metadata {
    return this.#entry(name).metadata;
  }

  /** The names of all data sets, sorted. */
  list(): string[] {
    return [...this.#datasets.keys()].sort();
  }

  /** Removes a data set and its metadata. @throws HooklineError `HKL_DATASET_UNKNOWN` */
  remove(name: string): void {
    this.#entry(name);
    this.#datasets.delete(name);
  }

  #entry(name: string): { read: DatasetFunction; metadata: Metadata } {
    const entry = this.#datasets.get(name);
    if (entry !== undefined) return entry;
    throw new HooklineError('HKL_DATASET_UNKNOWN', `there is no data set "${name}"`, {
      who: 'DatasetCatalog',
      fix: didYouMean(name, this.#datasets.keys()),
    });
  }
}
