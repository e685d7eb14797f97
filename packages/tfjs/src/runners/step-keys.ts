import { valuesKey, valueText } from '../recording/batch-values.ts';

/** The batches that differ only in plain host values: they share types, shapes and choices of the host. */
interface Family {
  /** The paths of the values that the step reads and that are part of the key. */
  readonly paths: Set<string>;
  /** For each path, how many changes of its value did not change the recorded step. */
  readonly idle: Map<string, number>;
  /** The keys of the graphs of this family. */
  readonly keys: Set<string>;
  /** Whether the family gets no further graphs. */
  isClosed: boolean;
  /** The values of the previous batch, by path. */
  last: ReadonlyMap<string, string> | undefined;
}

/** A value that changed this many times without changing the recorded step is no longer part of the key. */
const IDLE_CHANGES = 32;

/**
 * Makes the keys of recorded steps. A key holds the types and shapes of the batch, the choices of the host, and those
 * numbers, booleans and strings in the batch that the step reads. Recording the step shows which ones it reads.
 */
export class StepKeys {
  /** The most graphs for batches that differ only in plain values. */
  static readonly LIMIT = 4;
  readonly #families = new Map<string, Family>();

  /** Returns the key of a batch, from the reads of the step that are known so far. */
  key(name: string, batch: unknown): string {
    const family = this.#families.get(name);
    return family === undefined || family.paths.size === 0 ? name : `${name} ${valuesKey(batch, family.paths)}`;
  }

  /** Notes that the step reads the value at this path of the batch. */
  note(name: string, path: string): void {
    const { paths, idle } = this.#family(name);
    if ((idle.get(path) ?? 0) < IDLE_CHANGES) paths.add(path);
  }

  /** Notes that a graph was made for this batch. @returns the graph's key */
  add(name: string, batch: unknown): string {
    const family = this.#family(name);
    const key = this.key(name, batch);
    family.keys.add(key);
    family.last = textsOf(batch, family.paths);
    return key;
  }

  /** Returns the keys of the graphs that were made for the family. */
  known(name: string): readonly string[] {
    return [...(this.#families.get(name)?.keys ?? [])];
  }

  /** Returns the paths at which a batch differs from the previous one of the family. */
  changing(name: string, batch: unknown): readonly string[] {
    const family = this.#family(name);
    const { last } = family;
    const changing = [...family.paths].filter((path) => last?.get(path) !== valueText(batch, path));
    family.last = textsOf(batch, family.paths);
    return changing;
  }

  /** Notes that the step stayed the same although the values at these paths changed. */
  noteUnchanged(name: string, changed: readonly string[]): void {
    const { idle, paths } = this.#family(name);
    for (const path of changed) {
      const changes = (idle.get(path) ?? 0) + 1;
      idle.set(path, changes);
      if (changes >= IDLE_CHANGES) paths.delete(path);
    }
  }

  /** Stops making graphs for the family, because too many different values change the step. */
  close(name: string): void {
    this.#family(name).isClosed = true;
  }

  isClosed(name: string): boolean {
    return this.#family(name).isClosed;
  }

  clear(): void {
    this.#families.clear();
  }

  #family(name: string): Family {
    let family = this.#families.get(name);
    if (family === undefined) {
      family = { paths: new Set(), idle: new Map(), keys: new Set(), isClosed: false, last: undefined };
      this.#families.set(name, family);
    }
    return family;
  }
}

const textsOf = (batch: unknown, paths: Iterable<string>): ReadonlyMap<string, string> =>
  new Map(Array.from(paths, (path) => [path, valueText(batch, path)]));
