import { valuesKey, valueText } from '../recording/batch-values.ts';

/** What is known of batches that differ in nothing but plain values of the host. */
interface Family {
  /** Paths of the values that the step reads. */
  readonly paths: Set<string>;
  /** Values at a path that have turned out to make no difference. */
  readonly idle: Map<string, number>;
  readonly keys: Set<string>;
  /** Whether no further graph is to be made. */
  isClosed: boolean;
  /** What the batch before held at the paths. */
  last: ReadonlyMap<string, string> | undefined;
}

/** After so many changes of a value that made no difference it counts as one that makes none. */
const IDLE_CHANGES = 32;

/**
 * The keys of recorded steps: types and shapes of the batch, choices of the host, and those numbers, booleans and strings in
 * the batch that the step reads. Which ones it reads shows when it is recorded.
 */
export class StepKeys {
  /** Graphs that batches may have which differ in plain values alone. */
  static readonly LIMIT = 4;
  readonly #families = new Map<string, Family>();

  /** The key of a batch, as far as the step's reads are known. */
  key(name: string, batch: unknown): string {
    const family = this.#families.get(name);
    return family === undefined || family.paths.size === 0 ? name : `${name} ${valuesKey(batch, family.paths)}`;
  }

  /** The step reads the value at this path of the batch. */
  note(name: string, path: string): void {
    const { paths, idle } = this.#family(name);
    if ((idle.get(path) ?? 0) < IDLE_CHANGES) paths.add(path);
  }

  /** A graph has been made for this batch. @returns its key */
  add(name: string, batch: unknown): string {
    const family = this.#family(name);
    const key = this.key(name, batch);
    family.keys.add(key);
    family.last = textsOf(batch, family.paths);
    return key;
  }

  /** Keys of the graphs that have been made for the family. */
  known(name: string): readonly string[] {
    return [...(this.#families.get(name)?.keys ?? [])];
  }

  /** The paths at which a batch differs from the one before it in the family. */
  changing(name: string, batch: unknown): readonly string[] {
    const family = this.#family(name);
    const { last } = family;
    const changing = [...family.paths].filter((path) => last?.get(path) !== valueText(batch, path));
    family.last = textsOf(batch, family.paths);
    return changing;
  }

  /** The values that have changed have made no difference. */
  isSame(name: string, changed: readonly string[]): void {
    const { idle, paths } = this.#family(name);
    for (const path of changed) {
      const changes = (idle.get(path) ?? 0) + 1;
      idle.set(path, changes);
      if (changes >= IDLE_CHANGES) paths.delete(path);
    }
  }

  /** Too many values make a difference: batches with further ones get no graph. */
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
