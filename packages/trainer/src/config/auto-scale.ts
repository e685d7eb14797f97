import type { BaseConfig } from './config-schema.ts';
import { copyWritten } from './written-keys.ts';

/**
 * Scales a config that was tuned for `solver.referenceBatchSize` to `solver.batchSize` (detectron2's
 * auto_scale_workers, Goyal et al. 2017): with s = batch / reference, the learning rate is multiplied by s, and
 * everything counted in iterations is divided by it, rounded half to even.
 *
 * @returns the same config when the reference is 0 or equal
 */
export function autoScale<C extends BaseConfig>(config: C): C {
  const { batchSize, referenceBatchSize } = config.solver;
  if (referenceBatchSize === 0 || referenceBatchSize === batchSize) return config;
  const scale = batchSize / referenceBatchSize;
  const iterations = (value: number): number => roundHalfToEven(value / scale);
  const { solver, test, checkpoint } = config;
  const scaled = {
    ...config,
    solver: {
      ...solver,
      referenceBatchSize: batchSize,
      baseLr: solver.baseLr * scale,
      baseLrEnd: solver.baseLrEnd * scale,
      maxIterations: Math.max(1, iterations(solver.maxIterations)),
      warmupIterations: iterations(solver.warmupIterations),
      steps: solver.steps.map(iterations),
    },
    test: { ...test, evalPeriod: iterations(test.evalPeriod) },
    checkpoint: { ...checkpoint, period: Math.max(1, iterations(checkpoint.period)) },
  };
  return copyWritten(config, scaled);
}

/** A line for the log that says what {@link autoScale} has made of a config; undefined where it is the same. */
export function describeScale(before: BaseConfig, after: BaseConfig): string | undefined {
  if (before === after) return undefined;
  const { solver, test, checkpoint } = after;
  return [
    `config scaled from batches of ${before.solver.referenceBatchSize} to ${solver.batchSize}: learning rate ${solver.baseLr}`,
    `${solver.maxIterations} iterations`,
    `${solver.warmupIterations} of them warm-up`,
    ...(test.evalPeriod > 0 ? [`evaluation every ${test.evalPeriod}`] : []),
    `checkpoint every ${checkpoint.period}`,
  ].join(', ');
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
