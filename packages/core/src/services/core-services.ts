import { definePluginService, defineService } from '../container/service-ref.ts';
import type { HooklineError } from '../errors.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import type { TapObserver } from '../hooks/hook-site.ts';
import type { RandomStream } from '../random/random-stream.ts';
import type { EventStorage } from '../events/event-storage.ts';
import type { StepRunner } from '../step-runner.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Evaluation } from './evaluation.ts';

export const storageRef = defineService<EventStorage>('storage', {
  description: 'scalars, images and histograms of the run',
});

export const randomRef = definePluginService<RandomStream>('random', {
  description: "the plugin's own random stream, saved and restored with the run",
});

export const checkpointsRef = defineService<Checkpoints>('checkpoints', {
  description: 'saves and loads the whole state',
});

export const evaluationRef = defineService<Evaluation>('evaluation', { description: 'runs the evaluate hook' });

export const tapsRef = defineService<TapWatch>('taps', { description: 'lets profilers watch the taps of all plugins' });

export const stepRunnerRef = defineService<StepRunner>('stepRunner', {
  description: 'does the arithmetic of a step',
  weak: true,
});

/** Lets a plugin watch when taps are entered and left. */
export interface TapWatch {
  /** Returns the function that ends the watch. */
  observe(observer: TapObserver): () => void;
  /**
   * For step runners: `inspect` is asked after every tap of every hook whether what the training stands on is still
   * there, and gives the error where it is not; the error then names the tap. Undefined takes it away.
   */
  inspect?(inspect: ((hook: string) => HooklineError | undefined) | undefined): void;
}

/**
 * The engine's hooks with the right to call them, for the factories of services such as a step runner. A plugin that requires it
 * is refused (`HKL_SERVICE_INTERNAL`).
 */
export const phasesRef = defineService<EngineHookSet>('phases', {
  description: "the engine's hooks, for the step runner",
});
