import { setTimeout as wait } from 'node:timers/promises';
import { describeCause, HooklineError, isHooklineError } from '../errors.ts';
import type { FailedStepAction } from '../hooks/hook-table.ts';
import { packError, type PackedError, unpackError } from '../packed-error.ts';
import type { Communicator } from '../services/communicator.ts';
import type { RunControl } from '../services/control.ts';
import type { Logger } from '../services/logger.ts';
import { codesOf, errorOfRank, gatherFromRanks, sentenceOf } from '../services/ranks.ts';

/** What a rank wants to do next, in order of severity. */
const GO_ON = 0;
const STOP = 1;
const INTERRUPT = 2;
const FAIL = 3;

/** What each rank sends to the others once one of them does not want to go on. */
interface Vote {
  /** {@link GO_ON}, {@link STOP}, {@link INTERRUPT} or {@link FAIL}. */
  readonly intent: number;
  readonly reasons: readonly string[];
  /** Iterations done. */
  readonly done: number;
  readonly error?: PackedError;
}

/** A failure, as all ranks know it. */
export interface AgreedFailure {
  /** How many iterations the first rank has done. */
  readonly done: number;
  /** On the first rank that has an error of its own: that error. On the other ranks: an error that reports it. */
  readonly error: unknown;
  /** Whether this rank has an error of its own, and not only one that another rank's failure has caused. */
  readonly isOwn: boolean;
}

/**
 * What the ranks are doing, for messages. It names no iteration, since a rank that has failed within a step is one
 * iteration behind.
 */
const GOING_ON = 'whether to go on';

/** How long the other ranks may take until they hear of a rank that has failed; usually they are within a step. */
const HEARD_MS = 10_000;
const ATTEMPTS = 8;

/**
 * Makes all ranks of a job stop after the same iteration, whichever of them was asked to stop or has failed: a rank
 * that went on alone would wait for the others for ever. In a single process it does nothing.
 */
export class Agreement {
  /** Whether this is the only rank. */
  readonly isAlone: boolean;
  readonly #comm: Communicator;
  readonly #control: RunControl;
  readonly #logger: Logger;
  /** What the ranks said when they agreed to end; after that they exchange nothing more. */
  #end: readonly Vote[] | undefined;

  constructor(comm: Communicator, control: RunControl, logger: Logger) {
    [this.#comm, this.#control, this.#logger] = [comm, control, logger];
    this.isAlone = comm.size === 1;
  }

  /**
   * Called between two steps: exchanges the stop requests of all ranks.
   *
   * @param done iterations done
   * @returns undefined in a single process, else whether all ranks stop. A stop request that arrives on this rank
   * during the exchange counts from the next step on
   * @throws HooklineError `HKL_RANK_FAILED` where another rank has failed
   */
  between(done: number): Promise<boolean> | undefined {
    return this.isAlone ? undefined : this.#between(done);
  }

  async #between(done: number): Promise<boolean> {
    const [gravestAsked] = await this.#comm.allReduce(Float64Array.of(this.#intent()), 'max', GOING_ON);
    if (gravestAsked === GO_ON) return false;
    const all = await this.#exchange(done);
    this.#end = all;
    const own = all[this.#comm.rank];
    // The loop already knows of an error that was thrown on this rank outside of every hook.
    if (own?.error !== undefined) return true;
    if (all.some(({ error }) => error !== undefined)) throw failureOf(all);
    // Of what was exchanged last: a rank may have been asked for more meanwhile.
    const gravest = Math.max(...all.map((each) => each.intent));
    const first = all.findIndex((each) => each.intent === gravest);
    const [reason = 'stop requested'] = (all[first] as Vote).reasons;
    if (own?.intent !== gravest || own.reasons[0] !== reason)
      this.#control.adopt(`${reason} (rank ${first})`, gravest === INTERRUPT);
    return true;
  }

  /** Called when a step has failed on this rank: makes the step fail on the ranks that wait for this one within it. */
  leaveStep(error: unknown): void {
    // A rank whose step failed because of another rank has nothing to add.
    if (!this.isAlone && !isConsequence(packError(error))) this.#comm.leaveStep();
  }

  /**
   * Decides what to do about a step that has failed on all ranks: stop where one of them wants that, else skip it.
   *
   * @param own what the plugins of this rank want; undefined lets the training fail, which {@link Agreement.failed}
   * then reports
   */
  async action(own: FailedStepAction | undefined, error: unknown): Promise<FailedStepAction | undefined> {
    if (this.isAlone || own === undefined) return own;
    const stop = Float64Array.of(own === 'stop' ? 1 : 0);
    const agreed = this.#comm.allReduce(stop, 'max', 'what to do about a failed step');
    const [isStop] = await this.#unlessAlone(agreed, error);
    return isStop === 0 ? 'skip' : 'stop';
  }

  /**
   * Tells the other ranks that this one has failed, so that all ranks end and can save together.
   *
   * @param done iterations done
   * @returns the failure that ended the run, the same on all ranks
   */
  async failed(error: unknown, done: number): Promise<AgreedFailure> {
    const isOwn = true;
    if (this.isAlone) return { done, error, isOwn };
    if (this.#end !== undefined) return { done: this.#end[0]?.done ?? done, error, isOwn };
    this.leaveStep(error);
    try {
      const all = await this.#unlessAlone(this.#exchangeFailure(error, done), error);
      this.#end = all;
      const { done: first = done } = all[0] ?? {};
      if (guiltyOf(all).rank === this.#comm.rank) return { done: first, error, isOwn };
      return { done: first, error: failureOf(all), isOwn: !isConsequence(packError(error)) };
    } catch (failure) {
      return this.#endAll(error, describeCause(failure));
    }
  }

  /**
   * Awaits an exchange about a failure; ends all ranks where the others do not answer in time, because they are within
   * a step that waits for this one.
   */
  async #unlessAlone<T extends object>(exchange: Promise<T>, error: unknown): Promise<T> {
    const heard = new AbortController();
    // By the time it rejects, nobody may be waiting for it.
    exchange.catch(() => undefined);
    const late = wait(HEARD_MS, undefined, { signal: heard.signal }).catch(() => undefined);
    try {
      const result = await Promise.race([exchange, late]);
      return result ?? this.#endAll(error, `the others have not heard of it for ${HEARD_MS / 1000} s`);
    } finally {
      heard.abort();
    }
  }

  /**
   * Other ranks may be in other operations. Each of those fails on all ranks (`HKL_RANKS_DISAGREE`), until all ranks
   * have arrived here.
   */
  async #exchangeFailure(error: unknown, done: number): Promise<readonly Vote[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#comm.allReduce(Float64Array.of(FAIL), 'max', GOING_ON);
        return await this.#exchange(done, error);
      } catch (failure) {
        if (attempt === ATTEMPTS || !isHooklineError(failure, 'HKL_RANKS_DISAGREE')) throw failure;
      }
    }
  }

  #endAll(error: unknown, why: string): never {
    const cause = describeCause(error);
    const reason = isConsequence(packError(error)) ? cause : `this one has failed (${cause}), and ${why}`;
    this.#logger.error(`all ranks are ended: ${reason}`);
    return this.#comm.abort(1);
  }

  #intent(): number {
    if (!this.#control.stopRequested) return GO_ON;
    if (this.#control.failures.length > 0) return FAIL;
    return this.#control.interrupted ? INTERRUPT : STOP;
  }

  #exchange(done: number, error: unknown = this.#control.failures[0]): Promise<readonly Vote[]> {
    const failure = error === undefined ? {} : { error: packError(error) };
    const own: Vote = { intent: this.#intent(), reasons: this.#control.reasons, done, ...failure };
    return gatherFromRanks(this.#comm, own, 'why a rank ends');
  }
}

/** Codes of errors that a rank gets because another one has failed. */
const CONSEQUENCES = new Set(['HKL_RANKS_DISAGREE', 'HKL_RANK_FAILED', 'HKL_RANK_SILENT']);

const isConsequence = (error: PackedError): boolean => codesOf(error).some((code) => CONSEQUENCES.has(code));

/** The first rank with an error of its own, with that error. */
function guiltyOf(all: readonly Vote[]): { readonly rank: number; readonly error: PackedError } {
  const failed = all.flatMap(({ error }, rank) => (error === undefined ? [] : [{ error, rank }]));
  const guilty = failed.find(({ error }) => !isConsequence(error)) ?? failed[0];
  return guilty ?? { rank: 0, error: packError('it has failed') };
}

/** The error that the other ranks end with. */
function failureOf(all: readonly Vote[]): HooklineError {
  const { rank, error } = guiltyOf(all);
  // The code that this error has itself is not printed twice.
  const isSame = error.code === 'HKL_RANK_FAILED';
  const what = isSame ? sentenceOf(error) : describeCause(unpackError(error)).replace(/\.$/, '');
  return new HooklineError('HKL_RANK_FAILED', `it has failed: ${what}`, {
    who: `rank ${rank}`,
    fix: 'Its own messages say more',
    // The codes show, for example, whether the weights may be the cause.
    cause: codesOf(error).length === 0 ? undefined : errorOfRank(rank, error),
  });
}
