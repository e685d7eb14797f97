import type { Period } from '@hookline/core';
import type { BaseConfig } from './config-schema.ts';
import { copyWritten } from './written-keys.ts';

/**
 * Scales a config that was tuned for `solver.referenceBatchSize` to `solver.batchSize` (detectron2's
 * auto_scale_workers, Goyal et al. 2017): with s = batch / reference, the learning rate is multiplied by s, and
 * everything counted in iterations is divided by s, rounded half to even. Values in epochs do not change.
 *
 * @returns the same config if the reference is 0 or equal to the batch size
 */
export function autoScale<C extends BaseConfig>(config: C): C {
  const { batchSize, referenceBatchSize } = config.solver;
  if (referenceBatchSize === 0 || referenceBatchSize === batchSize) return config;
  const scale = batchSize / referenceBatchSize;
  const iterations = (value: number): number => roundHalfToEven(value / scale);
  const period = (value: Period, least = 0): Period =>
    typeof value === 'number' ? Math.max(least, iterations(value)) : value;
  const { solver, test, checkpoint } = config;
  const scaled = {
    ...config,
    solver: {
      ...solver,
      referenceBatchSize: batchSize,
      baseLr: solver.baseLr * scale,
      baseLrEnd: solver.baseLrEnd * scale,
      maxIterations: Math.max(1, iterations(solver.maxIterations)),
      warmupIterations: period(solver.warmupIterations),
      steps: solver.steps.map((step) => period(step)),
    },
    test: { ...test, evalPeriod: period(test.evalPeriod) },
    checkpoint: { ...checkpoint, period: period(checkpoint.period, 1) },
  };
  return copyWritten(config, scaled);
}

/** A log line that describes the changes of {@link autoScale}; undefined if there are none. */
export function describeScale(before: BaseConfig, after: BaseConfig): string | undefined {
  if (before === after) return undefined;
  const { solver, test, checkpoint } = after;
  return [
    `config scaled from batches of ${before.solver.referenceBatchSize} to ${solver.batchSize}: learning rate ${solver.baseLr}`,
    solver.maxEpochs > 0 ? `${solver.maxEpochs} epochs` : `${solver.maxIterations} iterations`,
    `${inWords(solver.warmupIterations)} of them warm-up`,
    ...(test.evalPeriod === 0 ? [] : [`evaluation every ${inWords(test.evalPeriod)}`]),
    `checkpoint every ${inWords(checkpoint.period)}`,
  ].join(', ');
}

/** Formats a duration as `50` or `2 epochs`. */
const inWords = (period: Period): string => (typeof period === 'number' ? String(period) : `${period.epochs} epochs`);

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
