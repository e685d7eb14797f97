import { setImmediate as nextMacrotask } from 'node:timers/promises';
import { describeCause } from '../errors.ts';
import type { EngineHooks, FailedStepAction, Outcome } from '../hooks/hook-table.ts';
import type { OwnHooks } from '../hooks/hook-set.ts';
import type { Waits } from '../hooks/waits.ts';
import type { RandomStreams } from '../random/random-streams.ts';
import type { RunControl } from '../services/control.ts';
import type { Logger } from '../services/logger.ts';
import type { EventStorage } from '../events/event-storage.ts';
import type { StepContext, StepOutput, StepRunner } from '../step-runner.ts';
import { isThenable } from '../thenable.ts';
import { throwAll } from '../throw-all.ts';
import type { AgreedFailure, Agreement } from './agreement.ts';
import type { RunState } from './run-state.ts';
import { Interruption } from './shutdown.ts';
import { discardStepOutput, storeStepOutput } from './store-step-output.ts';

/** What the loop needs. */
export interface LoopOptions {
  readonly hooks: OwnHooks<EngineHooks>;
  readonly runner: StepRunner;
  readonly run: RunState;
  readonly storage: EventStorage;
  readonly control: RunControl;
  readonly logger: Logger;
  readonly waits: Waits;
  readonly random: RandomStreams;
  /** Makes the ranks of a job end together. */
  readonly agreement: Agreement;
  /** After how many steps losses are stored: 1 for every step. */
  readonly metricsPeriod: number;
  /** After how many milliseconds the loop yields to Node's event loop. */
  readonly yieldAfter: number;
  /** Tears the plugins down, in reverse order; returns the errors. */
  tearDown(outcome: Outcome): Promise<readonly unknown[]>;
}

/**
 * The training loop (detectron2's TrainerBase.train). It knows hooks and nothing else:
 *
 *     await beforeTrain
 *     for iteration of [start, max): await beforeStep; output = await step; await afterStep
 *     finally: await afterTrain(outcome), then tear down every plugin in reverse order
 *
 * @returns how it ended, when nothing failed
 * @throws the error that ended it; an AggregateError led by it when closing failed as well
 */
export async function runLoop(options: LoopOptions): Promise<Outcome> {
  const { hooks, runner, run, storage, control, agreement, ...others } = options;
  const errors: unknown[] = [];
  const yieldToEventLoop = makeYield(others.yieldAfter);
  try {
    const { startIteration, maxIterations } = run;
    await hooks.beforeTrain.call({ startIteration, maxIterations, storage });
    for (;;) {
      const agreed = agreement.between(run.iteration);
      const isStop = agreed === undefined ? control.stopRequested : await agreed;
      if (isStop || run.iteration >= run.maxIterations) break;
      const step = run.context();
      others.random.mark(step.iteration);
      const ready = hooks.beforeStep.call(step);
      if (ready !== undefined) await ready;
      let output: StepOutput | undefined;
      try {
        const running = runner.run(step);
        // Awaiting a value that is there already would cost more than the rest of the loop.
        output = isThenable(running) ? await others.waits.step(Promise.resolve(running), step, runner) : running;
      } catch (error) {
        // The wait for the batch was given up, so the step has not begun. Other ranks may be within theirs.
        if (error instanceof Interruption && agreement.isAlone) break;
        agreement.leaveStep(error);
        await handle(error, step);
      }
      // This stands before afterStep, so that what runs meanwhile, such as a loader without threads of its own, counts
      // as part of the step's time.
      const turn = yieldToEventLoop();
      if (turn !== undefined) await turn;
      if (output !== undefined) {
        run.markStepDone();
        const isStored = (step.iteration + 1) % others.metricsPeriod === 0;
        if (isStored) storeStepOutput(storage, output);
        try {
          const finished = hooks.afterStep.call(step, output);
          if (finished !== undefined) await finished;
        } finally {
          if (!isStored) discardStepOutput(output);
        }
      }
      run.iteration += 1;
    }
  } catch (error) {
    errors.push(error);
  }
  errors.push(...outside());
  let failure: AgreedFailure | undefined;
  if (errors.length > 0) {
    failure = await agreement.failed(errors[0], run.done);
    if (!failure.isOwn) errors[0] = failure.error;
    others.logger.error(`training failed at iteration ${run.iteration}: ${describeCause(errors[0])}`);
  }
  const outcome = conclude(run, control, failure);
  try {
    await hooks.afterTrain.call(outcome);
  } catch (error) {
    // All taps ran, so several of them may have failed.
    errors.push(...(error instanceof AggregateError ? (error.errors as unknown[]) : [error]));
  }
  errors.push(...(await others.tearDown(outcome)), ...outside());
  throwAll(errors);
  return outcome;

  /** Errors from outside of every hook that are not the cause of an error in the list. */
  function outside(): readonly unknown[] {
    return control.failures.filter((failure) => !errors.some((error) => isCausedBy(error, failure)));
  }

  /** Asks the plugins what to do about a failed step. @throws the step's error where none of them answers */
  async function handle(error: unknown, step: StepContext): Promise<void> {
    let action: FailedStepAction | undefined;
    try {
      action = await agreement.action(await hooks.stepFailed.call(error, step), error);
    } catch (failure) {
      // The error of the step comes first, that of the handler second.
      errors.push(error);
      throw failure;
    }
    if (action === undefined) throw error;
    if (action === 'stop') control.stop(`step ${step.iteration} failed: ${describeCause(error)}`);
  }
}

/**
 * Makes a function that yields to Node's event loop, so that timers, signals and input get their turn, once `budget`
 * milliseconds have passed since it last did. Until then the function returns undefined and costs one look at the clock.
 *
 * A loop that awaits only settled promises never leaves the microtask queue: no signal would ever arrive.
 */
function makeYield(budget: number): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    if (performance.now() - last < budget) return undefined;
    return nextMacrotask().then(() => {
      last = performance.now();
    });
  };
}

function isCausedBy(error: unknown, failure: unknown): boolean {
  if (error === failure) return true;
  return error instanceof Error && error.cause !== undefined && isCausedBy(error.cause, failure);
}

function conclude({ iteration, maxIterations }: RunState, control: RunControl, failure?: AgreedFailure): Outcome {
  if (failure !== undefined) return { status: 'failed', iteration: failure.done, error: failure.error };
  if (iteration >= maxIterations) return { status: 'completed', iteration };
  const reason = control.reasons[0] ?? 'stop requested';
  return { status: control.interrupted ? 'interrupted' : 'stopped', iteration, reason };
}
