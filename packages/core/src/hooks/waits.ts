import { HooklineError } from '../errors.ts';
import type { StepContext, StepRunner } from '../step-runner.ts';

/** Something that a training waits for. */
export interface Wait {
  /**
   * Its position among all waits: a wait that begins within another one has a higher number, see {@link Waits.ticket}.
   */
  readonly order: number;
  /** Who is being waited for: a plugin, or the step. */
  readonly who: string;
  /** Where: a hook. */
  readonly where: string;
  /** `performance.now()` when the wait began. */
  readonly since: number;
  /** Describes what exactly is being waited for, where that is known, such as the file that a loader reads. */
  describe?(): string | undefined;
  /** Whether no work is lost where the wait is given up, since only something from outside, such as a batch, is awaited. */
  mayGiveUp?(): boolean;
  /** Whether the run does not depend on the wait, so that a signal ends the wait at once. */
  readonly isOptional?: boolean;
  /** Ends the wait with an error, as if the promise had rejected. The promise's later outcome is ignored. */
  giveUp(error: unknown): void;
}

/**
 * What one trainer waits for, the innermost last. When Node has nothing left to do while something is awaited, the
 * promise can never settle, and Node would end the process silently. The wait then ends with an error that names the
 * plugin instead.
 */
export class Waits {
  readonly #waits = new Set<Wait>();
  #tickets = 0;
  readonly #onNothingLeft = (): void => {
    const wait = this.innermost;
    if (wait !== undefined) wait.giveUp(neverComes(wait));
  };

  /** The next position. Take it before the awaited work begins, since that work may begin waits of its own. */
  ticket(): number {
    return this.#tickets++;
  }

  /** The innermost wait: all others wait for it. */
  get innermost(): Wait | undefined {
    let last: Wait | undefined;
    for (const wait of this.#waits) if (last === undefined || wait.order > last.order) last = wait;
    return last;
  }

  begin(wait: Wait): void {
    if (this.#waits.size === 0) process.on('beforeExit', this.#onNothingLeft);
    this.#waits.add(wait);
  }

  /**
   * Awaits a promise on behalf of a step.
   *
   * @param runner whose step it is; it may be able to describe the wait, and to stop it
   */
  step<T>(promise: Promise<T>, { iteration }: StepContext, runner: StepRunner): Promise<T> {
    return new Promise((resolve, reject) => {
      const wait: Wait = {
        order: this.ticket(),
        who: 'the step',
        where: `iteration ${iteration}`,
        since: performance.now(),
        describe: () => runner.waitsFor?.(),
        mayGiveUp: () => runner.stopWaiting !== undefined && runner.waitsFor?.() !== undefined,
        giveUp: (error) => {
          this.end(wait);
          // Called first, so that no step begins if the batch arrives after all.
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
    if (this.#waits.delete(wait) && this.#waits.size === 0) process.off('beforeExit', this.#onNothingLeft);
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
