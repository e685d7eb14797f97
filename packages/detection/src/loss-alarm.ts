import { definePlugin, loggerRef, type Plugin, storageRef } from '@hookline/core';

/** Number of first steps that must all have a loss of 0 for a warning. */
const STEPS = 10;

const factory = definePlugin({
  name: '@hookline/detection/loss-alarm',
  version: '0.1.0',
  description: 'warns of a loss that is 0 from the first step on',
  requires: { storage: storageRef, logger: loggerRef },
  setup({ hooks, storage, logger }) {
    let begun: number | undefined;
    const look = async (): Promise<void> => {
      await storage.resolve();
      const losses = storage.names().filter((name) => /^(total_)?loss/.test(name));
      const silent = losses.filter((name) => {
        const values = storage.history(name).values().slice(-STEPS);
        return values.length > 0 && values.every(({ value }) => value === 0);
      });
      if (silent.length > 0) logger.warn(describe(silent));
    };
    hooks.afterStep.tap(({ iteration }) => {
      begun ??= iteration;
      return iteration === begun + STEPS - 1 ? look() : undefined;
    });
  },
});

const describe = (losses: readonly string[]): string =>
  `${losses.join(' and ')} ${losses.length === 1 ? 'has' : 'have'} been 0 since the first step: nothing is learned from ${losses.length === 1 ? 'it' : 'them'}. ` +
  'The likely cause is that no object reaches the network: boxes that are too small at the size of the input, boxes in another unit ' +
  'or beside their objects, or augmentations that cut them away. To see the boxes: npx hookline data FOLDER --pictures pictures.png';

/**
 * The plugin that warns when a loss is exactly 0 in each of the first 10 steps. A training without targets runs, saves and
 * evaluates like any other but learns nothing.
 */
export const lossAlarm = (): Plugin => factory();
