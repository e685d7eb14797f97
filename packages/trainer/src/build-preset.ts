import type { Preset } from '@hookline/core';
import { presetDefault } from '@hookline/preset-default';
import type { DataSource } from '@hookline/tfjs';
import type { BaseConfig } from './config/config-schema.ts';

/**
 * The default preset with the options that a config gives its plugins.
 *
 * @param preciseBnLoader batches as in training, for precise batch norm
 */
export function buildPreset({ test, checkpoint, writers }: BaseConfig, preciseBnLoader: DataSource): Preset {
  const { period, maxToKeep, best, bestMode } = checkpoint;
  return presetDefault({
    lrScheduler: {},
    ...(test.preciseBn.enabled && {
      preciseBn: { loader: preciseBnLoader, period: test.evalPeriod, batches: test.preciseBn.iterations },
    }),
    checkpointer: { period, ...(maxToKeep > 0 && { maxToKeep }) },
    evaluator: { period: test.evalPeriod },
    ...(best !== '' && { bestCheckpointer: { metric: best, mode: bestMode } }),
    writers: { period: writers.period, windowSize: writers.windowSize, tensorboard: writers.tensorboard },
  });
}
