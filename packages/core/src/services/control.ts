import { describeCause } from '../errors.ts';
import { defineService } from '../container/service-ref.ts';

/** Lets plugins and users end a training gracefully. */
export interface Control {
  /** Asks for the training to end after the step in progress. Several requests add up; the first gives the reason. */
  stop(reason: string): void;
  /** Whether somebody asked. */
  readonly stopRequested: boolean;
  /** All reasons, in the order in which they came. */
  readonly reasons: readonly string[];
}

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

  /** Whether a signal asked first. */
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

  /** The stop request of another rank takes the place of what was asked for here. */
  adopt(reason: string, interrupted: boolean): void {
    this.#reasons = [reason];
    this.#interrupted = interrupted;
  }

  /** What makes the training fail although no hook threw it. */
  get failures(): readonly unknown[] {
    return this.#failures;
  }

  /** A stop request after an error that came outside of every hook. */
  fail(error: unknown): void {
    this.#failures.push(error);
    this.stop(describeCause(error));
  }

  /** Forgets all requests; at the end of a run, so that the next one starts. */
  clear(): void {
    this.#reasons = [];
    this.#interrupted = false;
    this.#failures = [];
  }
}
