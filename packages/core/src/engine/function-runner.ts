import type { ServiceContainer } from '../container/service-container.ts';
import { HooklineError } from '../errors.ts';
import { stepRunnerRef } from '../services/core-services.ts';
import type { ScalarValue, StepContext, StepOutput, StepRunner } from '../step-runner.ts';
import type { StepFunction } from './trainer-options.ts';

/** A step runner that calls a function. Numbers that are not finite end the training, as with every runner. */
export function functionRunner(step: StepFunction): StepRunner {
  const finish = (result: unknown, context: StepContext): StepOutput => {
    const output = asOutput(result);
    const bad = Object.values(output.losses).some((loss) => typeof loss === 'number' && !Number.isFinite(loss));
    if (bad) throw lossNotFinite(output.losses, context);
    return output;
  };
  return {
    run: (context) => {
      const result = step(context);
      return result instanceof Promise ? result.then((value) => finish(value, context)) : finish(result, context);
    },
  };
}

/** The step runner for what a user gives as a step. @throws HooklineError `HKL_STEP_MISSING` */
export function asRunner(step: StepFunction | StepRunner | undefined): StepRunner {
  if (typeof step === 'function') return functionRunner(step);
  if (typeof step?.run === 'function') return step;
  throw new HooklineError('HKL_STEP_MISSING', 'step is neither a function nor a step runner', {
    who: 'trainer',
    fix: 'Give step: (step) => loss',
  });
}

/** The step runner among a trainer's services. @throws HooklineError `HKL_STEP_MISSING` */
export function runnerOf(container: ServiceContainer): StepRunner {
  if (container.has(stepRunnerRef)) return container.get(stepRunnerRef, 'trainer') as StepRunner;
  throw new HooklineError('HKL_STEP_MISSING', 'nobody says what a step does', {
    who: 'trainer',
    fix: 'Give step: (step) => loss, or a plugin that provides the service "stepRunner"',
  });
}

/** The error of a loss that is NaN or infinite, with all losses printed. */
export function lossNotFinite(losses: Readonly<Record<string, unknown>>, { iteration }: StepContext): HooklineError {
  const printed = Object.entries(losses).map(
    ([name, value]) => `${name}: ${typeof value === 'number' ? value : '(on the device)'}`,
  );
  return new HooklineError('HKL_LOSS_NOT_FINITE', `the loss became infinite or NaN: ${printed.join(', ')}`, {
    who: 'step',
    where: `iteration ${iteration}`,
    fix: 'Weights were left as they were. Try a lower learning rate, warm-up, gradient clipping, or look at the batch',
  });
}

function asOutput(result: unknown): StepOutput {
  if (isScalar(result)) return { losses: { total_loss: result } };
  if (typeof result === 'object' && result !== null) {
    if ('losses' in result && typeof result.losses === 'object') return result as StepOutput;
    if (Object.values(result).every(isScalar)) return { losses: result as Record<string, ScalarValue> };
  }
  throw new HooklineError('HKL_STEP_RESULT', `the step function returned ${String(result)}`, {
    who: 'step',
    fix: 'Return the loss as a number, losses by name, or { losses, metrics?, dataTime? }',
  });
}

function isScalar(value: unknown): value is ScalarValue {
  return (
    typeof value === 'number' ||
    (typeof value === 'object' && value !== null && 'read' in value && typeof value.read === 'function')
  );
}
