import { definePluginService } from '../container/service-ref.ts';
import { HooklineError } from '../errors.ts';

/** What plugins can read of their trainer. */
export interface TrainerView {
  /** 0-based iteration in progress; after a complete training, maxIterations. */
  readonly iteration: number;
  /** Iteration at which this call of `train()` began. */
  readonly startIteration: number;
  /** Iteration at which training ends (exclusive). */
  readonly maxIterations: number;
}

/** Gives a {@link TrainerView}, which does not keep the trainer alive; using it after the trainer is gone is `HKL_TRAINER_GONE`. */
export const trainerRef = definePluginService<TrainerView>('trainer', {
  description: 'the trainer, by a weak reference: using it after the trainer is gone is an error',
});

/** A view of the trainer for one plugin. It does not keep the trainer alive. */
export function trainerHandle(plugin: string, reference: WeakRef<TrainerView>): TrainerView {
  const trainer = (): TrainerView => {
    const found = reference.deref();
    if (found !== undefined) return found;
    throw new HooklineError('HKL_TRAINER_GONE', 'its trainer is gone', {
      who: plugin,
      fix: 'Plugins hold their trainer weakly; keep a reference to the trainer for as long as its plugins are used',
    });
  };
  return Object.freeze({
    get iteration() {
      return trainer().iteration;
    },
    get startIteration() {
      return trainer().startIteration;
    },
    get maxIterations() {
      return trainer().maxIterations;
    },
  });
}
