import { didYouMean, HooklineError } from '@hookline/core';

/** Facts about one data set. Each fact can be written only once. */
export class Metadata {
  /** Name of the data set. */
  readonly name: string;
  readonly #values = new Map<string, unknown>();

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Sets facts. Setting a fact again to an equal value (compared as JSON) is allowed.
   *
   * @throws HooklineError `HKL_METADATA_WRITTEN` when a fact already has another value; in that case none of the facts is set
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

  /** Returns a fact, or `fallback` if it was never set. @throws HooklineError `HKL_METADATA_UNKNOWN` without a fallback */
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

  /** All facts as a plain object. */
  toJSON(): Record<string, unknown> {
    return Object.fromEntries(this.#values);
  }
}

const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);
