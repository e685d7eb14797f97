import { HooklineError } from '../errors.ts';
import type { StepContext, StepRunner } from '../step-runner.ts';

/** Something that a training waits for. */
export interface Wait {
  /** Its place among all: a wait that begins within another one has a higher number, see {@link Waits.ticket}. */
  readonly order: number;
  /** Who is waited for: a plugin, or the step. */
  readonly who: string;
  /** Where: a hook. */
  readonly where: string;
  /** `performance.now()` when the wait began. */
  readonly since: number;
  /** What exactly is waited for, where somebody knows: the file that a loader reads, for one. */
  describe?(): string | undefined;
  /** Whether only something from outside is awaited, such as a batch, so that giving up loses no work. */
  isIdle?(): boolean;
  /** Whether the run depends on nothing that is waited for, so that a signal ends the wait at once. */
  readonly isOptional?: boolean;
  /** Ends the wait with an error, as if what is waited for had failed. What it gives later is dropped. */
  giveUp(error: unknown): void;
}

/**
 * What one trainer waits for, the innermost last. When Node has nothing left to do while something is waited for, it
 * can never come: Node would end the process without a word. The wait ends with an error that says who is to blame
 * instead.
 */
export class Waits {
  readonly #waits = new Set<Wait>();
  #tickets = 0;
  readonly #onIdle = (): void => {
    const wait = this.innermost;
    if (wait !== undefined) wait.giveUp(neverComes(wait));
  };

  /** The next place; take it before what is waited for begins, since that may begin to wait for something itself. */
  ticket(): number {
    return this.#tickets++;
  }

  /** The wait that all others wait for. */
  get innermost(): Wait | undefined {
    let last: Wait | undefined;
    for (const wait of this.#waits) if (last === undefined || wait.order > last.order) last = wait;
    return last;
  }

  begin(wait: Wait): void {
    if (this.#waits.size === 0) process.on('beforeExit', this.#onIdle);
    this.#waits.add(wait);
  }

  /**
   * The value of `promise`, for which a step waits.
   *
   * @param runner whose step it is; it may know what is waited for, and how to go without it
   */
  step<T>(promise: Promise<T>, { iteration }: StepContext, runner: StepRunner): Promise<T> {
    return new Promise((resolve, reject) => {
      const wait: Wait = {
        order: this.ticket(),
        who: 'the step',
        where: `iteration ${iteration}`,
        since: performance.now(),
        describe: () => runner.waitsFor?.(),
        isIdle: () => runner.stopWaiting !== undefined && runner.waitsFor?.() !== undefined,
        giveUp: (error) => {
          this.end(wait);
          // First, so that no step begins when the batch comes after all.
          runner.stopWaiting?.(error);
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- handed on as it is
          reject(error);
        },
      };
      this.begin(wait);
      promise.then(
        (value) => {
          this.end(wait);
          resolve(value);
        },
        (error: unknown) => {
          this.end(wait);
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- handed on as it is
          reject(error);
        },
      );
    });
  }

  end(wait: Wait): void {
    if (this.#waits.delete(wait) && this.#waits.size === 0) process.off('beforeExit', this.#onIdle);
  }
}

/** A wait in words: `plugin-x in hook afterStep`. */
export function nameOf(wait: Wait): string {
  const { who, where } = wait;
  const what = wait.describe?.();
  return what === undefined ? `${who} in ${where}` : `${who} in ${where} (${what})`;
}

function neverComes(wait: Wait): HooklineError {
  const what = wait.describe?.();
  const about = what === undefined ? '' : ` (waiting for ${what})`;
  return new HooklineError('HKL_NEVER_SETTLED', `a promise is awaited that nothing can settle any more${about}`, {
    who: wait.who,
    where: wait.where,
    fix: 'Make sure that its resolve or reject is called on every path. Node has nothing left to do: no timer, file or connection is open',
  });
}
