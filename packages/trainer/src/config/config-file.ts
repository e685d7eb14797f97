import { definePlugin, loggerRef, outputRef, type Plugin, writeFileAtomically } from '@hookline/core';
import { z } from 'zod';
import { configRef } from '../trainer-services.ts';

const factory = definePlugin({
  name: '@hookline/trainer/config-file',
  version: '0.1.0',
  description: 'keeps the complete config beside the results',
  options: z.strictObject({
    seed: z.custom<() => number>((value) => typeof value === 'function').optional(),
  }),
  requires: { config: configRef, output: outputRef, logger: loggerRef },
  setup({ hooks, config, output, logger }, { seed: seedOf = () => config.seed }) {
    hooks.beforeTrain.tap(async () => {
      const seed = seedOf();
      if (config.seed < 0 && seed >= 0) logger.info(`seed ${seed}, drawn: seed=${seed} gives the same numbers again`);
      const text = `${JSON.stringify({ ...config, seed }, undefined, 2)}\n`;
      await writeFileAtomically(await output.file('config.json'), text);
    });
  },
});

/**
 * The plugin that writes the complete config of a run, with defaults, overrides and the seed that was drawn, to `config.json`
 * in the run's folder (detectron2's default_setup).
 *
 * @param options.seed the run's seed. Default: the seed of the config, which may be negative if it was to be drawn
 */
export const configFile = (options: { readonly seed?: () => number } = {}): Plugin => factory(options);
