import { definePlugin, outputRef, type Plugin, writeFileAtomically } from '@hookline/core';
import { configRef } from '../trainer-services.ts';

const factory = definePlugin({
  name: '@hookline/trainer/config-file',
  version: '0.1.0',
  description: 'keeps the complete config beside the results',
  requires: { config: configRef, output: outputRef },
  setup({ hooks, config, output }) {
    hooks.beforeTrain.tap(async () => {
      const text = `${JSON.stringify(config, undefined, 2)}\n`;
      await writeFileAtomically(await output.file('config.json'), (file) => file.writeFile(text));
    });
  },
});

/**
 * The plugin that writes the config of a run, defaults and overrides included, as `config.json` into its folder
 * (detectron2's default_setup).
 */
export const configFile = (): Plugin => factory();
