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

/** A test data set, as {@link presetDetection} takes several. */
export interface PresetDetectionDataset {
  /** Of its results and pictures. */
  readonly name: string;
  /** Its batches, iterated anew each time. */
  readonly loader: DataSource;
  /** Judges what test-time augmentation finds; without it there is none. */
  readonly judge?: DatasetEvaluator;
}

/** Options of {@link presetDetection}: those of the default preset, and by short name those of its own plugins. */
export interface PresetDetectionOptions extends PresetDefaultOptions {
  /** The default preset ready-made, such as `DefaultTrainer.buildPreset` gives it; takes the place of its options. */
  readonly defaults?: Preset;
  /** Test batches, iterated anew each time. Without them there are neither pictures nor test-time augmentation. */
  readonly loader?: DataSource;
  /** Judges what test-time augmentation finds; without it there is none. */
  readonly judge?: DatasetEvaluator;
  /**
   * Several test data sets, in place of `loader` and `judge`: each has plugins of its own. With more than one, results
   * of test-time augmentation are nested under `NAME_TTA`, and pictures are `predictions/NAME`.
   */
  readonly datasets?: readonly PresetDetectionDataset[];
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
  plugins: ({ defaults, loader, judge, datasets, predictionPictures: pictures, detectionTta: tta, ...rest }) => [
    defaults ?? presetDefault(rest),
    ...(datasets === undefined
      ? [makePictures(pictures, loader), makeTta(tta, loader, judge)]
      : datasets.flatMap((dataset) => pluginsOf(dataset, datasets.length > 1, pictures, tta))),
  ],
});

function pluginsOf(
  { name, loader, judge }: PresetDetectionDataset,
  isOneOfSeveral: boolean,
  pictures: PresetDetectionOptions['predictionPictures'],
  tta: PresetDetectionOptions['detectionTta'],
): PluginInput[] {
  if (!isOneOfSeveral) return [makePictures(pictures, loader), makeTta(tta, loader, judge)];
  const folder = pictures === false ? undefined : pictures?.name;
  return [
    makePictures(pictures !== false && { ...pictures, name: `${folder ?? 'predictions'}/${name}` }, loader, name),
    makeTta(tta !== false && { ...tta, name }, loader, judge, name),
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
  judge?: DatasetEvaluator,
  instance?: string,
): PluginInput {
  if (options === false) return undefined;
  const source = options?.loader ?? loader;
  const evaluator = options?.evaluator ?? judge;
  if (source !== undefined && evaluator !== undefined)
    return detectionTta({ ...options, loader: source, evaluator }, instanceOf(instance));
  if (options !== undefined || judge !== undefined)
    throw lacking('detectionTta', source === undefined ? 'loader' : 'judge');
  return undefined;
}

const instanceOf = (instance: string | undefined) => (instance === undefined ? {} : { instance });

const lacking = (plugin: string, option: string): HooklineError =>
  new HooklineError('HKL_PRESET_OPTION', `${plugin} needs the option "${option}" of the preset`, {
    who: '@hookline/preset-detection',
    fix: `Give ${option}, or ${plugin}: false`,
  });
