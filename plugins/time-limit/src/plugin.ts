import { controlRef, definePlugin, defineState } from '@hookline/core';
import { z } from 'zod';
import { timeLimitOptions } from './options.ts';

const PLUGIN_NAME = '@hookline/plugin-time-limit';

/**
 * Stops the training after a given wall-clock time, at the end of the current step.
 *
 * @example timeLimit({ hours: 7, minutes: 45 })
 * @example timeLimit({ hours: 24, wholeRun: true })
 */
export const timeLimit = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'ends the training after a duration',
  options: timeLimitOptions,
  provides: ['stopping'],
  after: ['evaluation', 'metrics'],
  before: ['writing'],
  requires: { control: controlRef },
  setup({ hooks, control }, { hours, minutes, seconds, wholeRun }) {
    const limit = (hours * 60 + minutes) * 60 + seconds;
    /** Seconds of the run before this training. */
    let before = 0;
    let begin = performance.now();
    const elapsed = (): number => before + (performance.now() - begin) / 1000;

    const stopWhereOver = (): void => {
      if (elapsed() < limit) return;
      control.stop(`the time limit of ${inWords(limit)}${wholeRun ? ' for the whole run' : ''} is reached`);
    };
    hooks.beforeTrain.tap(() => {
      begin = performance.now();
      if (wholeRun) stopWhereOver();
    });
    hooks.afterStep.tap(stopWhereOver);
    if (!wholeRun) return undefined;
    return {
      state: defineState({
        schema: z.object({ seconds: z.number().min(0) }),
        optional: true,
        save: () => ({ seconds: elapsed() }),
        load: (saved) => {
          before = saved.seconds;
          begin = performance.now();
        },
        reset: () => {
          before = 0;
          begin = performance.now();
        },
      }),
    };
  },
});

/** Formats a duration as `1 h 30 min`. */
function inWords(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [Number((seconds % 60).toFixed(3)), 's'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
