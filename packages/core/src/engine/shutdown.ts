import { writeSync } from 'node:fs';
import { describeCause, HooklineError } from '../errors.ts';
import { nameOf, type Waits } from '../hooks/waits.ts';
import type { RunControl } from '../services/control.ts';
import type { Logger } from '../services/logger.ts';

/** A training whose process must not end without saving. */
export interface WatchedRun {
  readonly control: RunControl;
  readonly waits: Waits;
  readonly logger: Logger;
  /** Whether a step that waits for its batch may be abandoned: not where other ranks are within the step. */
  mayLeaveStep?(): boolean;
  /** Holds the iteration in progress, for messages. */
  readonly run: { readonly iteration: number };
}

/** A closed terminal sends SIGHUP. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * The signal that `mpirun` forwards to all ranks, since SIGINT and SIGTERM end `mpirun` itself. Slurm sends the signal
 * that it is configured to send.
 */
const PASSED_ON = 'SIGUSR2';

/** One Ctrl-C may arrive twice: from the terminal, and again from npm, which forwards it to its child. */
const ECHO_MS = 300;

/** How long a batch may still take after a signal before the wait for it is given up. */
const GRACE_MS = 2000;

/** Codes of a write to a pipe or terminal that is gone. */
const GONE = new Set(['EPIPE', 'EIO', 'ENXIO', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']);

const handlers = new Set<ShutdownHandler>();
/** Node's own function: `process.exit` is replaced while a training runs. */
const originalExit = process.exit.bind(process);

/**
 * Turns what would end the process in mid-training into a graceful end that saves. SIGINT, SIGTERM, SIGHUP and a closed
 * output request a stop. A second signal ends the process at once; one that arrives while only background tasks are
 * awaited abandons these. `process.exit`, an exception outside of every hook and a rejection that nobody handles make
 * the training fail. Where the process ends all the same, a line says so and the exit status is not 0.
 *
 * @returns the function that removes all handlers
 */
export function handleShutdown(run: WatchedRun): () => void {
  const handler = new ShutdownHandler(run);
  if (handlers.size === 0) install();
  handlers.add(handler);
  return () => {
    handlers.delete(handler);
    handler.close();
    if (handlers.size === 0) uninstall();
  };
}

/** Ends the wait for a batch because a signal asked the training to stop. It is not a failure. */
export class Interruption extends Error {
  constructor(signal: string) {
    super(`given up after ${signal}`);
  }
}

class ShutdownHandler {
  readonly #run: WatchedRun;
  #first: number | undefined;
  #giveUpTimer: NodeJS.Timeout | undefined;
  #nameTimer: NodeJS.Timeout | undefined;

  constructor(run: WatchedRun) {
    this.#run = run;
  }

  signal(signal: keyof typeof SIGNALS): void {
    const { control, waits, logger } = this.#run;
    if (this.#first !== undefined && performance.now() - this.#first < ECHO_MS) return;
    const wait = waits.innermost;
    if (wait?.isOptional === true) {
      this.#first = performance.now();
      wait.giveUp(new Interruption(signal));
      return;
    }
    if (this.#first !== undefined) {
      if (wait?.mayGiveUp?.() === true) killAtExit(signal);
      uninstall();
      originalExit(SIGNALS[signal]);
    }
    this.#first = performance.now();
    control.interrupt(signal);
    const isLong = wait !== undefined && performance.now() - wait.since > 1000;
    const about = isLong ? `; ${nameOf(wait)} is still at work` : '';
    logger.warn(`${signal}: stopping after this step (once more to quit at once)${about}`);
    this.#giveUpLater(new Interruption(signal), signal);
    this.#nameLater(signal);
  }

  /** Logs what keeps the training from stopping: the first signal does not cut off work such as an evaluation. */
  #nameLater(signal: string): void {
    this.#nameTimer = setTimeout(() => {
      const wait = this.#run.waits.innermost;
      if (wait === undefined || wait.mayGiveUp?.() === true || wait.isOptional === true) return;
      this.#run.logger.warn(
        `${signal}: still waiting for ${nameOf(wait)}, to stop and save after it; once more ends the process at once, with the checkpoints that there are`,
      );
    }, GRACE_MS);
  }

  /** Called when standard output or standard error has been closed by its reader. */
  closed(error: NodeJS.ErrnoException): void {
    const { control } = this.#run;
    if (!GONE.has(error.code ?? '')) this.fail(error);
    else if (!control.stopRequested) {
      control.interrupt('SIGPIPE');
      this.#giveUpLater(new Interruption('SIGPIPE'), 'SIGTERM');
    }
  }

  fail(error: unknown): void {
    const { control } = this.#run;
    if (control.failures.includes(error)) return;
    const failure =
      error instanceof HooklineError && error.code === 'HKL_PROCESS_EXIT' ? error : uncaught(error, this.where());
    control.fail(failure);
    this.#giveUpLater(failure, 'SIGTERM');
  }

  /** Called when the process exits: prints that the training did not end by itself. */
  exiting(code: number): void {
    const { waits } = this.#run;
    const wait = waits.innermost;
    const during = wait === undefined ? '' : `, while ${nameOf(wait)} was awaited`;
    try {
      writeSync(
        2,
        `error: the process ends in mid-training (${this.where()}${during}); only checkpoints are left of it\n`,
      );
    } catch {
      // Standard error is closed.
    }
    if (code === 0 || code === 13) process.exitCode = 1;
  }

  where(): string {
    return `iteration ${this.#run.run.iteration}`;
  }

  close(): void {
    clearTimeout(this.#giveUpTimer);
    clearTimeout(this.#nameTimer);
  }

  /** Gives up the wait for a batch after a while: the batch may never come, and no step is lost that has not begun. */
  #giveUpLater(error: unknown, signal: NodeJS.Signals): void {
    const wait = this.#run.waits.innermost;
    if (wait?.mayGiveUp?.() !== true || this.#run.mayLeaveStep?.() === false) return;
    this.#giveUpTimer ??= setTimeout(() => {
      if (this.#run.waits.innermost === wait && wait.mayGiveUp?.() === true) {
        killAtExit(signal);
        wait.giveUp(error);
      }
    }, GRACE_MS);
  }
}

/**
 * Ends the process by a signal when it exits. Node waits for its threads at exit, and a thread that reads a file may
 * never return; the default action of a signal does not wait.
 */
function killAtExit(signal: NodeJS.Signals): void {
  process.on('exit', () => {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

const onSignal = (signal: NodeJS.Signals): void => {
  for (const handler of handlers) handler.signal(signal as keyof typeof SIGNALS);
};
const onPassedOn = (): void => onSignal('SIGINT');
const onError = (error: unknown): void => {
  for (const handler of handlers) handler.fail(error);
};
const onClosed = (error: NodeJS.ErrnoException): void => {
  for (const handler of handlers) handler.closed(error);
};
const onExit = (code: number): void => {
  for (const handler of handlers) handler.exiting(code);
};

/** Replaces `process.exit`: a tap that calls it fails like one that throws, so that the error names the tap. */
function refuseExit(code?: number | string | null): never {
  const [first] = handlers;
  // The frames are cut at this function and not by the name of its file, which differs in bundles and with source maps.
  const caller: { stack?: string } = {};
  Error.captureStackTrace(caller, refuseExit);
  const error = new HooklineError('HKL_PROCESS_EXIT', `process.exit(${code ?? ''}) was called in mid-training`, {
    who: firstPlace(caller.stack),
    where: first?.where(),
    fix: 'Throw an error, or end the training with control.stop(reason); handleSignals: false lets process.exit through',
  });
  for (const handler of handlers) handler.fail(error);
  throw error;
}

/** What a training listens to while it runs: an emitter, an event, and the function that is called. */
const listeners = (): readonly (readonly [NodeJS.EventEmitter, string, Parameters<NodeJS.EventEmitter['on']>[1]])[] => [
  ...Object.keys(SIGNALS).map((signal) => [process, signal, onSignal] as const),
  [process, PASSED_ON, onPassedOn],
  [process, 'uncaughtException', onError],
  [process, 'unhandledRejection', onError],
  [process, 'exit', onExit],
  [process.stdout, 'error', onClosed],
  [process.stderr, 'error', onClosed],
];

function install(): void {
  for (const [emitter, event, listener] of listeners()) emitter.on(event, listener);
  process.exit = refuseExit;
}

function uninstall(): void {
  for (const [emitter, event, listener] of listeners()) emitter.off(event, listener);
  if (process.exit === refuseExit) process.exit = originalExit;
}

function uncaught(cause: unknown, where: string): HooklineError {
  const who = cause instanceof Error ? firstPlace(cause.stack) : undefined;
  return new HooklineError('HKL_UNCAUGHT', `an error was thrown outside of every hook: ${describeCause(cause)}`, {
    who,
    where,
    fix: 'Catch it where it is thrown: in a timer or callback of a plugin, or in a promise that nobody awaits',
    cause,
  });
}

/** The first frame of a stack that is not Node's own. */
function firstPlace(stack: string | undefined): string | undefined {
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const frame = frames.find((line) => !line.includes('node:'));
  return frame?.trim().replace(/^at /, '');
}
