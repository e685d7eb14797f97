import { RandomStreams } from '@hookline/core';

/** What the command line gave: `--quick`, `--seed`, and any other `--name value` by its name; numbers as numbers. */
export interface CampaignArgs {
  /** A short form that fits into every run of the checks. */
  readonly quick: boolean;
  /** Decides every random choice of the campaign. Two runs with one seed try the same things. */
  readonly seed: number;
  readonly [name: string]: string | number | boolean | undefined;
}

/** The default export of `campaigns/NAME/campaign.ts`. */
export type Campaign = (args: CampaignArgs, tally: Tally) => Promise<void>;

/** Counts what was tried and keeps what did not hold. */
export class Tally {
  readonly #counts = new Map<string, number>();
  readonly #failures: string[] = [];

  /** Counts one trial, or several, under a name. */
  count(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  /** Records something that did not hold: what was tried, and what happened instead. */
  fail(message: string): void {
    this.#failures.push(message);
    console.error(`DID NOT HOLD: ${message}`);
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  get failures(): readonly string[] {
    return this.#failures;
  }
}

/** The campaign's random choices. */
export class Choices {
  readonly #stream;

  constructor(seed: number, name: string) {
    this.#stream = new RandomStreams(seed).stream(`campaign/${name}`);
  }

  /** A whole number from 0 to `n - 1`. */
  int(n: number): number {
    return this.#stream.int(n);
  }

  /** A number from `low` up to `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.#stream.float();
  }

  /** One of these. @throws RangeError for an empty list */
  pick<T>(of: readonly T[]): T {
    if (of.length === 0) throw new RangeError('there is nothing to choose from');
    return of[this.int(of.length)] as T;
  }
}

/** An option that is a whole number of at least 1. @throws RangeError for anything else */
export function countOption(args: CampaignArgs, name: string, byDefault: number): number {
  const value = args[name];
  if (value === undefined) return byDefault;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`--${name} takes a whole number of at least 1, not ${String(value)}`);
}
