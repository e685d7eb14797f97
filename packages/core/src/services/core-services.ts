import { definePluginService, defineService } from '../container/service-ref.ts';
import type { HooklineError } from '../errors.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import type { TapObserver } from '../hooks/hook-site.ts';
import type { RandomStream } from '../random/random-stream.ts';
import type { EventStorage } from '../events/event-storage.ts';
import type { StepRunner } from '../step-runner.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Evaluation } from './evaluation.ts';

/** Gives the {@link EventStorage} of the run: its scalars, images and histograms. */
export const storageRef = defineService<EventStorage>('storage', {
  description: 'scalars, images and histograms of the run',
});

/** Gives the plugin's own {@link RandomStream}. A checkpoint saves its position, and loading restores it. */
export const randomRef = definePluginService<RandomStream>('random', {
  description: "the plugin's own random stream, saved and restored with the run",
});

/** Gives {@link Checkpoints}, which saves and loads the whole state of the run. */
export const checkpointsRef = defineService<Checkpoints>('checkpoints', {
  description: 'saves and loads the whole state',
});

/** Gives {@link Evaluation}, which runs all evaluators and holds their last results. */
export const evaluationRef = defineService<Evaluation>('evaluation', { description: 'runs the evaluate hook' });

/** Gives a {@link TapWatch}, through which profilers and leak detectors observe the taps of all plugins. */
export const tapsRef = defineService<TapWatch>('taps', { description: 'lets profilers watch the taps of all plugins' });

/** Gives a weak handle on the {@link StepRunner}, which computes the steps. Provide it to train in a way of your own. */
export const stepRunnerRef = defineService<StepRunner>('stepRunner', {
  description: 'does the arithmetic of a step',
  weak: true,
});

/** Lets a plugin observe the taps of all plugins. */
export interface TapWatch {
  /** Calls the observer whenever a tap is entered or left. Returns the function that removes the observer. */
  observe(observer: TapObserver): () => void;
  /**
   * For step runners: sets a check that is made after every tap of every hook. It returns an error where the tap has
   * disposed something that the training needs; the error that is thrown names the tap. Undefined removes the check.
   */
  checkAfterTaps?(check: ((hook: string) => HooklineError | undefined) | undefined): void;
}

/**
 * The engine's hooks with the right to call them, for the factories of services such as a step runner. A plugin that requires it
 * is refused (`HKL_SERVICE_INTERNAL`).
 */
export const engineHooksRef = defineService<EngineHookSet>('engineHooks', {
  description: "the engine's hooks, for the step runner",
});
