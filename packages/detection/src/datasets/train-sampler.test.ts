import { RandomStream } from '@hookline/core';
import type { DatasetRecord } from '@hookline/images';
import { detectionConfig } from '../config/detection-config.ts';
import { trainSampler } from './train-sampler.ts';

/** Nine images with class 0, one with class 1. */
const records = Array.from({ length: 10 }, (_, id) => ({
  imageId: id,
  annotations: [{ category: id === 9 ? 1 : 0 }],
})) as unknown as DatasetRecord[];

const epochOf = (...set: string[]) => {
  const { dataloader } = detectionConfig().resolve(set.map((each) => `dataloader.${each}`));
  return [...trainSampler(records, dataloader, new RandomStream(1, 'order')).epoch(0)].sort((a, b) => a - b);
};

describe('trainSampler', () => {
  it('takes every image once, a part of them, or rare classes several times', () => {
    expect(epochOf()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(epochOf('samplerTrain=subset', 'subsetRatio=0.3')).toHaveLength(3);
    // sqrt(0.4 / 0.1) = 2.
    expect(epochOf('samplerTrain=repeat-factor', 'repeatThreshold=0.4')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]);
  });

  it('refuses a repeat factor that repeats nothing', () => {
    expect(() => epochOf('samplerTrain=repeat-factor')).toThrow(/HKL_CONFIG_INVALID.*dataloader\.repeatThreshold=/);
  });
});
