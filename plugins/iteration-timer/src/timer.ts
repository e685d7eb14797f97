import { HooklineError } from '@hookline/core';

/** A stopwatch that can be paused. It runs from its construction on. */
export class Timer {
  readonly #now: () => number;
  #startedAt = 0;
  /** Seconds of the finished intervals. */
  #elapsed = 0;
  #starts = 0;
  #paused = false;

  /** @param now a clock in milliseconds that never goes back; `performance.now` by default */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.reset();
  }

  /** Restarts at zero, running. */
  reset(): void {
    this.#startedAt = this.#now();
    this.#elapsed = 0;
    this.#starts = 1;
    this.#paused = false;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** @throws HooklineError `HKL_TIMER_STATE` if it is already paused */
  pause(): void {
    if (this.#paused) throw misused('paused already', 'Call resume() first');
    this.#elapsed += this.#running();
    this.#paused = true;
  }

  /** @throws HooklineError `HKL_TIMER_STATE` if it is running */
  resume(): void {
    if (!this.#paused) throw misused('running already', 'Call pause() first');
    this.#startedAt = this.#now();
    this.#starts++;
    this.#paused = false;
  }

  /** Seconds since the last reset, without the pauses. */
  seconds(): number {
    return this.#paused ? this.#elapsed : this.#elapsed + this.#running();
  }

  /** Mean seconds per interval, including the running one. */
  averageSeconds(): number {
    return this.seconds() / this.#starts;
  }

  #running(): number {
    return (this.#now() - this.#startedAt) / 1000;
  }
}

function misused(what: string, fix: string): HooklineError {
  return new HooklineError('HKL_TIMER_STATE', `the timer is ${what}`, { who: 'Timer', fix });
}
