import { type Evaluation, HooklineError } from '@hookline/core';
import type { Ema } from './ema-service.ts';

/**
 * An evaluation that sees the averages.
 *
 * @param who the plugin that replaces the evaluation
 * @throws HooklineError `HKL_AVERAGES_TWICE` where evaluation sees other averages already
 */
export function withAverages(original: Evaluation, service: Ema, who: string): Evaluation {
  if (original.withWeights !== undefined) throw averagedTwice(who);
  return {
    run: (step) => service.withAverages(() => original.run(step)),
    withWeights: (fn) => service.withAverages(() => fn(), { keepState: true }),
    get latest() {
      return original.latest;
    },
  };
}

function averagedTwice(who: string): HooklineError {
  return new HooklineError('HKL_AVERAGES_TWICE', 'another plugin has evaluation see averaged weights already', {
    who,
    fix: 'Give all plugins that average weights but one the option evaluate: false',
  });
}

export function savedWhileSwapped(who: string): HooklineError {
  return new HooklineError('HKL_EMA_SWAPPED', 'the model holds the averaged weights, and a checkpoint is being saved', {
    who,
    where: 'hook saveState',
    fix: 'Save before or after the evaluation, in afterStep, so that the weights of the training are saved',
  });
}
