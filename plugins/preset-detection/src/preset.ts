import { definePreset, HooklineError, type PluginInput, type Preset, type PresetFactory } from '@hookline/core';
import {
  type DetectionJudge,
  detectionTta,
  type DetectionTtaOptions,
  predictionPictures,
  type PredictionPicturesOptions,
} from '@hookline/plugin-detection';
import { presetDefault, type PresetDefaultOptions } from '@hookline/preset-default';
import type { DataSource } from '@hookline/tfjs';

/** Options of {@link presetDetection}: those of the default preset, and by short name those of its own plugins. */
export interface PresetDetectionOptions extends PresetDefaultOptions {
  /** The default preset ready-made, such as `DefaultTrainer.buildPreset` gives it; takes the place of its options. */
  readonly defaults?: Preset;
  /** Test batches, iterated anew each time. Without them there are neither pictures nor test-time augmentation. */
  readonly loader?: DataSource;
  /** Judges what test-time augmentation finds; without it there is none. */
  readonly judge?: DetectionJudge;
  /** False leaves them out; by default they are drawn with every evaluation. */
  readonly predictionPictures?: Partial<PredictionPicturesOptions> | false;
  /** False leaves it out; by default it runs with the last evaluation. */
  readonly detectionTta?: Partial<DetectionTtaOptions> | false;
}

/**
 * The default preset for detectors: with pictures of predictions at every evaluation, and test-time augmentation at the
 * last one.
 *
 * @example presetDetection({ loader, judge: new CocoEvaluator({ truth }), evaluator: { loader, evaluators, period: 400 } })
 * @throws HooklineError `HKL_PRESET_OPTION` for options of its own plugins that lack a loader or a judge
 */
export const presetDetection: PresetFactory<PresetDetectionOptions> = definePreset<PresetDetectionOptions>({
  name: '@hookline/preset-detection',
  version: '0.1.0',
  plugins: ({ defaults, loader, judge, predictionPictures: pictures, detectionTta: tta, ...rest }) => [
    defaults ?? presetDefault(rest),
    makePictures(pictures, loader),
    makeTta(tta, loader, judge),
  ],
});

function makePictures(options: PresetDetectionOptions['predictionPictures'], loader?: DataSource): PluginInput {
  if (options === false) return undefined;
  const source = options?.loader ?? loader;
  if (source !== undefined) return predictionPictures({ ...options, loader: source });
  if (options !== undefined) throw lacking('predictionPictures', 'loader');
  return undefined;
}

function makeTta(
  options: PresetDetectionOptions['detectionTta'],
  loader?: DataSource,
  judge?: DetectionJudge,
): PluginInput {
  if (options === false) return undefined;
  const source = options?.loader ?? loader;
  const evaluator = options?.evaluator ?? judge;
  if (source !== undefined && evaluator !== undefined) return detectionTta({ ...options, loader: source, evaluator });
  if (options !== undefined || judge !== undefined)
    throw lacking('detectionTta', source === undefined ? 'loader' : 'judge');
  return undefined;
}

const lacking = (plugin: string, option: string): HooklineError =>
  new HooklineError('HKL_PRESET_OPTION', `${plugin} needs the option "${option}" of the preset`, {
    who: '@hookline/preset-detection',
    fix: `Give ${option}, or ${plugin}: false`,
  });
