import { describeCause } from '../errors.ts';
import { defineService } from '../container/service-ref.ts';

/** Lets plugins and users end a training gracefully. */
export interface Control {
  /**
   * Requests that the training ends after the step in progress. Where there are several requests, the reason of the
   * first one is reported.
   */
  stop(reason: string): void;
  /** Whether a stop has been requested. */
  readonly stopRequested: boolean;
  /** The reasons of all requests, in their order. */
  readonly reasons: readonly string[];
}

/** Gives {@link Control}, by which a plugin ends the training gracefully. */
export const controlRef = defineService<Control>('control', { description: 'ends the training gracefully' });

/** The engine's side of {@link Control}. */
export class RunControl implements Control {
  #reasons: string[] = [];
  #interrupted = false;
  #failures: unknown[] = [];

  get stopRequested(): boolean {
    return this.#reasons.length > 0;
  }

  get reasons(): readonly string[] {
    return this.#reasons;
  }

  /** Whether the first request came from a signal. */
  get interrupted(): boolean {
    return this.#interrupted;
  }

  stop(reason: string): void {
    this.#reasons.push(reason);
  }

  /** A stop request by a signal. */
  interrupt(signal: string): void {
    if (!this.stopRequested) this.#interrupted = true;
    this.stop(signal);
  }

  /** Replaces the requests of this rank with that of another one. */
  adopt(reason: string, interrupted: boolean): void {
    this.#reasons = [reason];
    this.#interrupted = interrupted;
  }

  /** Errors that make the training fail although no hook threw them. */
  get failures(): readonly unknown[] {
    return this.#failures;
  }

  /** A stop request because of an error that was thrown outside of every hook. */
  fail(error: unknown): void {
    this.#failures.push(error);
    this.stop(describeCause(error));
  }

  /** Removes all requests, at the end of a run, so that the next one can start. */
  clear(): void {
    this.#reasons = [];
    this.#interrupted = false;
    this.#failures = [];
  }
}
