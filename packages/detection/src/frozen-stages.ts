import { definePlugin, loggerRef, type Plugin } from '@hookline/core';
import { z } from 'zod';

const factory = definePlugin({
  name: '@hookline/detection/frozen-stages',
  version: '0.1.0',
  description: 'warns if the frozen stages of the backbone keep their random initial weights',
  options: z.strictObject({ count: z.int().min(1) }),
  requires: { logger: loggerRef },
  setup({ hooks, logger }, { count }) {
    let hasLoaded = false;
    hooks.loadState.tap((checkpoint) => {
      if (checkpoint.purpose === 'file') checkpoint.apply(() => void (hasLoaded = true));
    });
    hooks.beforeTrain.tap(({ startIteration }) => {
      if (hasLoaded || startIteration > 0) return;
      logger.warn(
        `model.frozenStages=${count} freezes the first stages of the backbone for the whole training, and no weights were loaded: they keep their random initial weights. Give --weights FILE, or set model.frozenStages=0`,
      );
    });
    return {};
  },
});

/** The plugin that warns before the first step if stages of the backbone are frozen and no weights were loaded; false if none are. */
export const frozenStages = ({ frozenStages: count }: { readonly frozenStages: number }): Plugin | false =>
  count > 0 && factory({ count });
