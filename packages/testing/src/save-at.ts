import { checkpointsRef, definePlugin, type Plugin } from '@hookline/core';

/**
 * A plugin that saves a checkpoint after one iteration, for tests that resume.
 *
 * @param iteration 0-based iteration. One that is never reached saves nothing, so that a resumed trainer can have the same plugins
 * @param name name of the file, without extension. Default `mid`
 */
export const saveAt = (iteration: number, name = 'mid'): Plugin =>
  definePlugin({
    name: '@hookline/testing/save-at',
    version: '0.1.0',
    description: 'saves after one iteration',
    requires: { checkpoints: checkpointsRef },
    setup({ hooks, checkpoints }) {
      hooks.afterStep.tap(async (step) => void (step.iteration === iteration && (await checkpoints.save(name))));
    },
  })(undefined, { instance: name });
