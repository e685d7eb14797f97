import { definePreset, type PluginInput, type PresetFactory } from '@hookline/core';
import {
  bestCheckpointer,
  type BestCheckpointerOptions,
  checkpointer,
  type CheckpointerOptions,
} from '@hookline/plugin-checkpointer';
import { evaluator, type EvaluatorOptions } from '@hookline/plugin-evaluator';
import { iterationTimer, type IterationTimerOptions } from '@hookline/plugin-iteration-timer';
import { lrScheduler, type LrSchedulerOptions } from '@hookline/plugin-lr-scheduler';
import { preciseBn, type PreciseBnOptions } from '@hookline/plugin-precise-bn';
import { writers, type WritersOptions } from '@hookline/plugin-writers';

/** Options of the plugins by short name; `false` removes a plugin, as `.without` does. */
export interface PresetDefaultOptions {
  readonly iterationTimer?: IterationTimerOptions | false;
  /** Not included by default; the learning rate is then constant. */
  readonly lrScheduler?: LrSchedulerOptions | false;
  /** Not included by default, as in detectron2. */
  readonly preciseBn?: PreciseBnOptions | false;
  readonly checkpointer?: CheckpointerOptions | false;
  readonly evaluator?: EvaluatorOptions | false;
  /** Not included by default, because it needs the name of a metric. */
  readonly bestCheckpointer?: BestCheckpointerOptions | false;
  readonly writers?: WritersOptions | false;
}

const preset = definePreset<PresetDefaultOptions>({
  name: '@hookline/preset-default',
  version: '0.1.0',
  optionNames: {
    iterationTimer: true,
    lrScheduler: true,
    preciseBn: true,
    checkpointer: true,
    evaluator: true,
    bestCheckpointer: true,
    writers: true,
  },
  plugins: (options): readonly PluginInput[] => [
    iterationTimer(given(options.iterationTimer)),
    options.lrScheduler !== undefined && lrScheduler(given(options.lrScheduler)),
    options.preciseBn && preciseBn(options.preciseBn),
    checkpointer(given(options.checkpointer)),
    evaluator(given(options.evaluator)),
    options.bestCheckpointer && bestCheckpointer(options.bestCheckpointer),
    writers(given(options.writers)),
  ],
});

/** The options of a plugin. A plugin with `false` is first listed without options and then removed. */
function given<Options extends object>(options: Options | false | undefined): Options | undefined {
  return options === false ? undefined : options;
}

/** Names of the listed plugins that `false` removes. They are removed by an edit, so that the removal is known to be deliberate. */
const LISTED = {
  iterationTimer: 'iteration-timer',
  lrScheduler: 'lr-scheduler',
  checkpointer: 'checkpointer',
  evaluator: 'evaluator',
  writers: 'writers',
} as const satisfies Partial<Record<keyof PresetDefaultOptions, string>>;

/**
 * detectron2's default hooks, in its order:
 *
 * 1. `iteration-timer` is first, so that it excludes the time of the other plugins.
 * 2. `lr-scheduler` stores the rate of the step, then sets the next one, which a checkpoint of this step must contain.
 * 3. `precise-bn` changes what is saved and evaluated, so it comes before both.
 * 4. `checkpointer` comes before evaluation, so that nothing is lost if an evaluation fails.
 * 5. `evaluator` comes before the writers, so that its results are written in the same step.
 * 6. `best-checkpointer` needs the results, and its own scalars are written too.
 * 7. `writers` are last, so that they write the metrics of all other plugins.
 *
 * The plugins themselves declare these positions by labels; the preset only lists them.
 */
export const presetDefault: PresetFactory<PresetDefaultOptions> = (options = {}) =>
  preset(options).without(
    ...Object.entries(LISTED).flatMap(([key, name]) => (options[key as keyof typeof LISTED] === false ? [name] : [])),
  );
