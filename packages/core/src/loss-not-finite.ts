import { HooklineError } from './errors.ts';
import type { StepContext } from './step-runner.ts';

/**
 * The error of a loss that is NaN or infinite, with all losses printed.
 *
 * @param context of which step, where that is known
 * @param fix what to do; default: for a step that has left the weights as they were
 * @param who whose step it was
 */
export function lossNotFinite(
  losses: Readonly<Record<string, unknown>>,
  context?: Pick<StepContext, 'iteration'>,
  fix = 'Weights were left as they were. Try a lower learning rate, warm-up, gradient clipping, or look at the batch',
  who = 'step',
): HooklineError {
  const printed = Object.entries(losses).map(
    ([name, value]) => `${name}: ${typeof value === 'number' ? value : '(on the device)'}`,
  );
  return new HooklineError('HKL_LOSS_NOT_FINITE', `the loss became infinite or NaN: ${printed.join(', ')}`, {
    who,
    where: context && `iteration ${context.iteration}`,
    fix,
  });
}
