import type { Preset } from '@hookline/core';
import { presetDefault } from '@hookline/preset-default';
import { type configOfPlugins, optionsOf } from './config-of-plugins.ts';

/** The default preset with the plugin options of a config. */
export function buildPreset(config: ReturnType<typeof configOfPlugins>): Preset {
  const best = config['@hookline/plugin-checkpointer/best'];
  const preciseBn = config['@hookline/plugin-precise-bn'];
  return presetDefault({
    lrScheduler: optionsOf(config['@hookline/plugin-lr-scheduler']),
    ...(preciseBn.toggle.isOn && { preciseBn: optionsOf(preciseBn) }),
    checkpointer: optionsOf(config['@hookline/plugin-checkpointer']),
    evaluator: optionsOf(config['@hookline/plugin-evaluator']),
    ...(best.toggle.isOn && { bestCheckpointer: optionsOf(best) }),
    writers: optionsOf(config['@hookline/plugin-writers']),
  });
}
