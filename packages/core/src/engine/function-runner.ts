import { describeValue } from '../describe-value.ts';
import { HooklineError } from '../errors.ts';
import { lossNotFinite } from '../loss-not-finite.ts';
import { isPlainObject } from '../plain-object.ts';
import type { ScalarValue, StepContext, StepOutput, StepRunner } from '../step-runner.ts';
import { isThenable } from '../thenable.ts';
import { TOTAL_LOSS } from '../total-loss.ts';
import type { StepFunction } from './trainer-options.ts';

/** A step of the user's own is done when its loss is looked at. */
const OWN_STEP =
  'Where the step had updated weights by then, they may hold NaN as well: go on from a checkpoint. optimizer.minimize(...) of @hookline/tfjs looks at the loss before it updates. Try a lower learning rate, warm-up, gradient clipping, or look at the data';

/** A step runner that calls a function. Numbers that are not finite end the training, as with every runner. */
export function functionRunner(step: StepFunction): StepRunner {
  const finish = (result: unknown, context: StepContext): StepOutput => {
    const output = asOutput(result);
    const { losses, totalLoss } = output;
    const all = totalLoss === undefined ? losses : { ...losses, [TOTAL_LOSS]: totalLoss };
    const bad = Object.values(all).some((loss) => typeof loss === 'number' && !Number.isFinite(loss));
    if (bad) throw lossNotFinite(all, context, OWN_STEP);
    return output;
  };
  return {
    run: (context) => {
      const result: unknown = step(context);
      return isThenable(result)
        ? Promise.resolve(result).then((value) => finish(value, context))
        : finish(result, context);
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

function asOutput(result: unknown): StepOutput {
  if (isScalar(result)) return { losses: { [TOTAL_LOSS]: result } };
  if (typeof result === 'object' && result !== null) {
    if ('losses' in result && isPlainObject(result.losses) && Object.values(result.losses).every(isScalar))
      return result as StepOutput;
    if (isPlainObject(result) && Object.values(result).every(isScalar))
      return { losses: result as Record<string, ScalarValue> };
  }
  throw new HooklineError('HKL_STEP_RESULT', `the step function returned ${describeValue(result)}`, {
    who: 'step',
    fix: 'Return the loss as a number (that of a tensor is (await tensor.data())[0]), losses by name, {} for a step without a loss, or { losses, totalLoss?, metrics?, dataTime? }',
  });
}

function isScalar(value: unknown): value is ScalarValue {
  return (
    typeof value === 'number' ||
    (typeof value === 'object' && value !== null && 'read' in value && typeof value.read === 'function')
  );
}
