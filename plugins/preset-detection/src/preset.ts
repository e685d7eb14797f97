import {
  type DatasetEvaluator,
  definePreset,
  HooklineError,
  type PluginInput,
  type Preset,
  type PresetFactory,
} from '@hookline/core';
import { predictionPictures, type PredictionPicturesOptions } from '@hookline/plugin-prediction-pictures';
import { detectionTta, type DetectionTtaOptions } from '@hookline/plugin-test-time-augmentation';
import { presetDefault, type PresetDefaultOptions } from '@hookline/preset-default';
import type { DataSource } from '@hookline/tfjs';

/** One of several test data sets of {@link presetDetection}. */
export interface PresetDetectionDataset {
  /** Name of its results and pictures. */
  readonly name: string;
  /** Its batches; iterated from the start each time. */
  readonly loader: DataSource;
  /** Evaluator of test-time augmentation; without it there is no test-time augmentation. */
  readonly ttaEvaluator?: DatasetEvaluator;
}

/** Options of {@link presetDetection}: those of the default preset, and by short name those of its own plugins. */
export interface PresetDetectionOptions extends PresetDefaultOptions {
  /** The default preset as `DefaultTrainer.buildPreset` makes it; replaces the options of the default preset. */
  readonly defaults?: Preset;
  /** Test batches; iterated from the start each time. Without them there are neither pictures nor test-time augmentation. */
  readonly loader?: DataSource;
  /** Evaluator of test-time augmentation; without it there is no test-time augmentation. */
  readonly ttaEvaluator?: DatasetEvaluator;
  /**
   * Several test data sets, in place of `loader` and `ttaEvaluator`: each has plugins of its own. With more than one, results
   * of test-time augmentation are nested under `NAME_TTA`, and pictures are `predictions/NAME`.
   */
  readonly datasets?: readonly PresetDetectionDataset[];
  /** Options of the pictures; false leaves them out. @default drawn with every evaluation */
  readonly predictionPictures?: Partial<PredictionPicturesOptions> | false;
  /** Options of test-time augmentation; false leaves it out. @default with the last evaluation */
  readonly detectionTta?: Partial<DetectionTtaOptions> | false;
}

/**
 * The default preset for detectors: with pictures of predictions at every evaluation, and test-time augmentation at the
 * last one.
 *
 * @example presetDetection({ loader, ttaEvaluator: new CocoEvaluator({ truth }), evaluator: { loader, evaluators, period: 400 } })
 * @throws HooklineError `HKL_PRESET_OPTION` if `loader` or `ttaEvaluator` is missing for a plugin whose options are given
 */
export const presetDetection: PresetFactory<PresetDetectionOptions> = definePreset<PresetDetectionOptions>({
  name: '@hookline/preset-detection',
  version: '0.1.0',
  plugins: ({ defaults, loader, ttaEvaluator, datasets, predictionPictures: pictures, detectionTta: tta, ...rest }) => [
    defaults ?? presetDefault(rest),
    ...(datasets === undefined
      ? [makePictures(pictures, loader), makeTta(tta, loader, ttaEvaluator)]
      : datasets.flatMap((dataset) => pluginsOf(dataset, datasets.length > 1, pictures, tta))),
  ],
});

function pluginsOf(
  { name, loader, ttaEvaluator }: PresetDetectionDataset,
  isOneOfSeveral: boolean,
  pictures: PresetDetectionOptions['predictionPictures'],
  tta: PresetDetectionOptions['detectionTta'],
): PluginInput[] {
  if (!isOneOfSeveral) return [makePictures(pictures, loader), makeTta(tta, loader, ttaEvaluator)];
  const folder = pictures === false ? undefined : pictures?.name;
  return [
    makePictures(pictures !== false && { ...pictures, name: `${folder ?? 'predictions'}/${name}` }, loader, name),
    makeTta(tta !== false && { ...tta, name }, loader, ttaEvaluator, name),
  ];
}

function makePictures(
  options: PresetDetectionOptions['predictionPictures'],
  loader?: DataSource,
  instance?: string,
): PluginInput {
  if (options === false) return undefined;
  const source = options?.loader ?? loader;
  if (source !== undefined) return predictionPictures({ ...options, loader: source }, instanceOf(instance));
  if (options !== undefined) throw lacking('predictionPictures', 'loader');
  return undefined;
}

function makeTta(
  options: PresetDetectionOptions['detectionTta'],
  loader?: DataSource,
  ttaEvaluator?: DatasetEvaluator,
  instance?: string,
): PluginInput {
  if (options === false) return undefined;
  const source = options?.loader ?? loader;
  const evaluator = options?.evaluator ?? ttaEvaluator;
  if (source !== undefined && evaluator !== undefined)
    return detectionTta({ ...options, loader: source, evaluator }, instanceOf(instance));
  if (options !== undefined || ttaEvaluator !== undefined)
    throw lacking('detectionTta', source === undefined ? 'loader' : 'ttaEvaluator');
  return undefined;
}

const instanceOf = (instance: string | undefined) => (instance === undefined ? {} : { instance });

const lacking = (plugin: string, option: string): HooklineError =>
  new HooklineError('HKL_PRESET_OPTION', `${plugin} needs the option "${option}" of the preset`, {
    who: '@hookline/preset-detection',
    fix: `Give ${option}, or ${plugin}: false`,
  });
