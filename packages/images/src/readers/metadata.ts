import { didYouMean, HooklineError } from '@hookline/core';

/** Facts about one data set; each is written once. */
export class Metadata {
  /** The data set they are about. */
  readonly name: string;
  readonly #values = new Map<string, unknown>();

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Sets facts. Setting a fact to the value that it has, compared as JSON, changes nothing.
   *
   * @throws HooklineError `HKL_METADATA_WRITTEN` when a fact has another value already; nothing is set then
   */
  set(facts: Readonly<Record<string, unknown>>): this {
    for (const [key, value] of Object.entries(facts)) {
      if (!this.#values.has(key) || isSame(this.#values.get(key), value)) continue;
      const [before, after] = [this.#values.get(key), value].map((fact) => JSON.stringify(fact));
      throw new HooklineError('HKL_METADATA_WRITTEN', `"${key}" is ${before} and cannot become ${after}`, {
        who: `metadata of data set "${this.name}"`,
        fix: 'Register the other data under a name of its own',
      });
    }
    for (const [key, value] of Object.entries(facts)) this.#values.set(key, value);
    return this;
  }

  /** A fact; `fallback`, where given, when it was never set. @throws HooklineError `HKL_METADATA_UNKNOWN` */
  get<T = unknown>(key: string, ...fallback: [T?]): T {
    if (this.#values.has(key)) return this.#values.get(key) as T;
    if (fallback.length > 0) return fallback[0] as T;
    throw new HooklineError('HKL_METADATA_UNKNOWN', `"${key}" was never set`, {
      who: `metadata of data set "${this.name}"`,
      fix: didYouMean(key, this.#values.keys()),
    });
  }

  /** Whether a fact was set. */
  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** Every fact. */
  toJSON(): Record<string, unknown> {
    return Object.fromEntries(this.#values);
  }
}

const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);
