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

/** Options of the plugins by short name; `false` leaves one out, as `.without` does. */
export interface PresetDefaultOptions {
  readonly iterationTimer?: IterationTimerOptions | false;
  /** Left out by default: without a schedule the learning rate stays as it is. */
  readonly lrScheduler?: LrSchedulerOptions | false;
  /** Left out by default, as in detectron2. */
  readonly preciseBn?: PreciseBnOptions | false;
  readonly checkpointer?: CheckpointerOptions | false;
  readonly evaluator?: EvaluatorOptions | false;
  /** Left out by default: it needs the name of a metric. */
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

/** The options of a plugin; one that is left out by `false` is listed without any, and then left out. */
function given<Options extends object>(options: Options | false | undefined): Options | undefined {
  return options === false ? undefined : options;
}

/** What can be left out by `false` although it is listed: the edit tells that somebody wants it so. */
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
 * 1. `iteration-timer` first, so that it leaves out the time of the others.
 * 2. `lr-scheduler` stores the rate that was used, then sets the next one: a checkpoint holds that of the step it resumes with.
 * 3. `precise-bn` changes what is saved and evaluated, so before both.
 * 4. `checkpointer` before evaluation: when that fails, nothing is lost.
 * 5. `evaluator` before the writers, so that its results are written in the same step.
 * 6. `best-checkpointer` needs the results, and its own scalars are written too.
 * 7. `writers` last, so that they miss nothing.
 *
 * The plugins ask for these places themselves by labels; the preset only lists them.
 */
export const presetDefault: PresetFactory<PresetDefaultOptions> = (options = {}) =>
  preset(options).without(
    ...Object.entries(LISTED).flatMap(([key, name]) => (options[key as keyof typeof LISTED] === false ? [name] : [])),
  );
