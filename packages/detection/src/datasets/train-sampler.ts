import { HooklineError, type RandomStream } from '@hookline/core';
import type { DatasetRecord } from '@hookline/images';
import {
  RandomSubsetTrainingSampler,
  RepeatFactorTrainingSampler,
  repeatFactors,
  type Sampler,
  TrainingSampler,
} from '@hookline/data';
import type { DetectionConfig } from '../config/detection-config.ts';

/**
 * Makes the sampler of training images that `dataloader.samplerTrain` names (detectron2's SAMPLER_TRAIN).
 *
 * @param random source of the random order
 * @throws HooklineError `HKL_CONFIG_INVALID` for `repeat-factor` without a threshold
 */
export function trainSampler(
  records: readonly DatasetRecord[],
  { samplerTrain, repeatThreshold, subsetRatio }: DetectionConfig['dataloader'],
  random: RandomStream,
): Sampler {
  if (samplerTrain === 'subset') return new RandomSubsetTrainingSampler(records.length, subsetRatio, { random });
  if (samplerTrain === 'training') return new TrainingSampler(records.length, { random });
  if (repeatThreshold === 0) {
    throw new HooklineError('HKL_CONFIG_INVALID', 'repeat-factor repeats nothing without a threshold', {
      who: 'dataloader.samplerTrain',
      fix: 'Give the share of images below which a class is repeated, such as --set dataloader.repeatThreshold=0.1',
    });
  }
  const categories = records.map(({ annotations }) => annotations.map(({ category }) => category));
  return new RepeatFactorTrainingSampler(repeatFactors(categories, repeatThreshold), { random });
}
