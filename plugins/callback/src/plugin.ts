import { controlRef, definePlugin, loggerRef, randomRef, storageRef, trainerRef } from '@hookline/core';
import { callbackOptions, type CallbackTools } from './options.ts';

const PLUGIN_NAME = '@hookline/plugin-callback';

/**
 * Taps hooks with plain functions. Each function receives the arguments of its hook, followed by {@link CallbackTools}.
 *
 * @example
 * callback({ afterStep: ({ iteration }, output, { storage }) => storage.putScalar('half', iteration / 2) })
 * callback({ beforeTrain: open, afterTrain: close }, { instance: 'files' })
 */
export const callback = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'ad-hoc hooks from plain functions',
  options: callbackOptions,
  provides: ['metrics'],
  // Come before the writers, so that they are still open when a callback stores metrics at the last step or after it.
  before: ['writing'],
  requires: {
    trainer: trainerRef,
    storage: storageRef,
    control: controlRef,
    logger: loggerRef,
    random: randomRef,
  },
  setup(
    { hooks, trainer, storage, control, logger, random },
    { beforeTrain, beforeStep, afterStep, afterTrain, evaluate, saveState, loadState, stepFailed },
  ) {
    const tools: CallbackTools = Object.freeze({ trainer, storage, control, logger, random });
    // Tap only hooks with a callback, so that the others cost nothing.
    if (beforeTrain) hooks.beforeTrain.tap((run) => beforeTrain(run, tools));
    if (beforeStep) hooks.beforeStep.tap((step) => beforeStep(step, tools));
    if (afterStep) hooks.afterStep.tap((step, output) => afterStep(step, output, tools));
    if (afterTrain) hooks.afterTrain.tap((outcome) => afterTrain(outcome, tools));
    if (evaluate) hooks.evaluate.tap((results, step) => evaluate(results, step, tools));
    if (saveState) hooks.saveState.tap((checkpoint) => saveState(checkpoint, tools));
    if (loadState) hooks.loadState.tap((checkpoint) => loadState(checkpoint, tools));
    if (stepFailed) hooks.stepFailed.tap((error, step) => stepFailed(error, step, tools));
  },
});
