import { definePluginService } from '../container/service-ref.ts';
import { HooklineError } from '../errors.ts';

/**
 * A number of iterations, `500`, or of epochs, which may be a fraction, `{ epochs: 0.5 }`. Used for periods, and for
 * moments counted from the start of the run.
 */
export type Period = number | { readonly epochs: number };

/** The message that an option's schema gives for a value that is no {@link Period}. */
export const PERIOD_RULE = 'must be a whole number of iterations, or { epochs: a number above 0 }';

/** True for 0 iterations and more, and for a positive number of epochs; for the schemas of options. */
export const isPeriod = (value: unknown): value is Period =>
  isEpochs(value) || (Number.isSafeInteger(value) && (value as number) >= 0);

/** As {@link isPeriod}, without 0. */
export const isPositivePeriod = (value: unknown): value is Period => isPeriod(value) && value !== 0;

const isEpochs = (value: unknown): value is { readonly epochs: number } => {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return false;
  const { epochs } = value as { readonly epochs?: unknown };
  return typeof epochs === 'number' && epochs > 0 && Number.isFinite(epochs);
};

/** The progress of a training in epochs, for one plugin. */
export interface Epochs {
  /**
   * How many steps an epoch has: the number of batches in one pass over the training data. It has a fraction where
   * batches continue across the end of the data, and is undefined where the data have no known length.
   */
  readonly length: number | undefined;
  /**
   * How many epochs are done after a number of iterations of the run, including the fraction of the epoch in progress;
   * NaN where {@link length} is unknown.
   */
  after(iterations: number): number;
  /**
   * Makes a function that says after each step whether a period ends with it. A period of iterations ends every so many
   * iterations of the run, a period of epochs with the step that completes them; a period of 0 never ends.
   *
   * A period in epochs makes a training whose data have no known length fail before its first step, with an error that
   * names the plugin and `option`.
   *
   * @param option the name of the option that holds the period, for the error
   * @returns a function of the number of iterations done
   */
  every(period: Period, option: string): (done: number) => boolean;
  /**
   * Converts a moment of the run, such as the end of a warm-up, to a number of iterations. Unknown lengths of an epoch
   * are treated as in {@link every}.
   *
   * @returns a function, since the number is known only when the training begins
   */
  until(moment: Period, option: string): () => number;
}

/** Gives {@link Epochs}, which converts between iterations and epochs for the plugin's options. */
export const epochsRef = definePluginService<Epochs>('epochs', {
  description: 'how many steps an epoch has, and when a period in epochs is over',
});

/** Numbers of epochs that differ by less count as equal, since they result from divisions. */
const CLOSE = 1e-9;

/** What a checkpoint holds of an {@link EpochClock}. */
export interface EpochClockState {
  readonly length: number;
  readonly origin: number;
}

/** Counts a run's epochs by its iterations. */
export class EpochClock {
  #length: number | undefined;
  /** The iteration at which the first epoch would have begun if all epochs were as long as the current one. */
  #origin = 0;
  #asked: { readonly who: string; readonly option: string }[] = [];

  get length(): number | undefined {
    return this.#length;
  }

  /**
   * Sets how many steps an epoch has from `iteration` on. Epochs done before stay done. Earlier calls of {@link ask}
   * are forgotten.
   *
   * @param length the length according to the data; anything but a positive number means unknown
   */
  begin(length: number | undefined, iteration: number): void {
    const before = this.state();
    this.#length = length !== undefined && Number.isFinite(length) && length > 0 ? length : undefined;
    this.#asked = [];
    if (before !== undefined) this.restore(before, iteration);
  }

  state(): EpochClockState | undefined {
    return this.#length === undefined ? undefined : { length: this.#length, origin: this.#origin };
  }

  /**
   * Continues at `iteration` with the number of epochs that a checkpoint says were done there. The length of an epoch
   * stays that of the current data.
   */
  restore({ length, origin }: EpochClockState, iteration: number): void {
    const isSame = this.#length === undefined || this.#length === length;
    this.#origin = isSame ? origin : iteration - ((iteration - origin) / length) * (this.#length ?? length);
  }

  after(iterations: number): number {
    const epochs = (iterations - this.#origin) / (this.#length ?? Number.NaN);
    const whole = Math.round(epochs);
    return Math.abs(epochs - whole) < CLOSE ? whole : epochs;
  }

  /** The number of iterations until a moment; Infinity where the length of an epoch is unknown. */
  until(moment: Period): number {
    if (typeof moment === 'number') return moment;
    if (this.#length === undefined) return Infinity;
    return Math.max(0, Math.ceil(this.#origin + moment.epochs * this.#length - CLOSE * this.#length));
  }

  isOver(period: Period, done: number): boolean {
    if (typeof period === 'number') return period > 0 && done % period === 0;
    const periods = (iterations: number): number => Math.floor(this.after(iterations) / period.epochs + CLOSE);
    return done > 0 && periods(done) > periods(done - 1);
  }

  /** Remembers which option of which plugin counts in epochs. */
  ask(who: string, option: string, period: Period): void {
    if (typeof period !== 'number') this.#asked.push({ who, option });
  }

  /**
   * @param end where the training ends
   * @throws HooklineError `HKL_EPOCH_UNKNOWN` where somebody counts in epochs and the data do not tell their length
   */
  assertKnown(end: Period): void {
    const [asked] = typeof end === 'number' ? this.#asked : [{ who: 'trainer', option: 'maxEpochs' }];
    if (asked === undefined || this.#length !== undefined) return;
    throw new HooklineError(
      'HKL_EPOCH_UNKNOWN',
      `${asked.option} counts in epochs, and the training data do not tell how many batches an epoch has`,
      {
        who: asked.who,
        fix: 'Count in iterations, or give data with a length: an array of batches, an ArrayLoader, a DetectionLoader, or a loader of your own with a number `length` (of a step of your own, `epochLength` beside `run`)',
      },
    );
  }
}

/** The view of a clock for one plugin. */
export function epochsFor(who: string, clock: EpochClock): Epochs {
  return Object.freeze({
    get length() {
      return clock.length;
    },
    after: (iterations: number) => clock.after(iterations),
    every: (period: Period, option: string) => {
      clock.ask(who, option, period);
      return (done: number) => clock.isOver(period, done);
    },
    until: (moment: Period, option: string) => {
      clock.ask(who, option, moment);
      return () => clock.until(moment);
    },
  });
}
