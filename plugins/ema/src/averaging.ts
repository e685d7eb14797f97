import {
  type Evaluation,
  evaluationRef,
  HooklineError,
  provide,
  type Provider,
  replace,
  type ServiceRef,
} from '@hookline/core';
import { type Ema, EmaService } from './ema-service.ts';

/**
 * The services of a plugin that averages weights: the averages and, if wanted, an evaluation that uses them.
 *
 * @param service the service of the averages
 * @param who name of the plugin
 */
export const averagingServices = (
  service: ServiceRef<Ema>,
  { evaluate, who }: { readonly evaluate: boolean; readonly who: string },
): Provider[] => [
  provide(service, () => new EmaService()),
  ...(evaluate
    ? [replace(evaluationRef, (original, uses) => withAverages(original, uses.service, who), { service })]
    : []),
];

/** @throws HooklineError `HKL_AVERAGES_TWICE` if evaluation already uses other averages */
function withAverages(original: Evaluation, service: Ema, who: string): Evaluation {
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
  return new HooklineError('HKL_AVERAGES_TWICE', 'another plugin already gives evaluation averaged weights', {
    who,
    fix: 'Set evaluate: false in all plugins that average weights except one',
  });
}

export function savedWhileSwapped(who: string): HooklineError {
  return new HooklineError('HKL_EMA_SWAPPED', 'the model holds the averaged weights, and a checkpoint is being saved', {
    who,
    where: 'hook saveState',
    fix: 'Save before or after the evaluation, in afterStep, so that the training weights are saved',
  });
}
