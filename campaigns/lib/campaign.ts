import { RandomStreams } from '@hookline/core';

/** The parsed command line: `--quick`, `--seed`, and every other `--name value` by its name. Numeric values are numbers. */
export interface CampaignArgs {
  /** Run a short version, which is fast enough for every run of the checks. */
  readonly quick: boolean;
  /** Determines every random choice of the campaign. Runs with the same seed try the same things. */
  readonly seed: number;
  readonly [name: string]: string | number | boolean | undefined;
}

/** The default export of `campaigns/NAME/campaign.ts`. `folder` is empty, and is removed with what was written into it. */
export type Campaign = (args: CampaignArgs, tally: Tally, folder: string) => Promise<void>;

/** Counts trials and collects failures. */
export class Tally {
  readonly #counts = new Map<string, number>();
  readonly #failures: string[] = [];

  /** Adds one or more trials to the count of a name. */
  count(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  /** Records a failure. The message says what was tried and what happened. */
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

/** The random choices of a campaign. */
export class Choices {
  readonly #stream;

  constructor(seed: number, name: string) {
    this.#stream = new RandomStreams(seed).stream(`campaign/${name}`);
  }

  /** A random integer from 0 to `n - 1`. */
  int(n: number): number {
    return this.#stream.int(n);
  }

  /** A random number between `low` and `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.#stream.float();
  }

  /** A random element of a list. @throws RangeError for an empty list */
  pick<T>(of: readonly T[]): T {
    if (of.length === 0) throw new RangeError('there is nothing to choose from');
    return of[this.int(of.length)] as T;
  }
}

/** Reads an option that must be an integer of at least 1. @throws RangeError for anything else */
export function countOption(args: CampaignArgs, name: string, byDefault: number): number {
  const value = args[name];
  if (value === undefined) return byDefault;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`--${name} takes a whole number of at least 1, not ${String(value)}`);
}
