import { HOOK_TABLE, HookSet, HookSite, type StepContext } from '@hookline/core';
import tf from '#tfjs';
import { BatchSource } from '../batch/batch-source.ts';
import { functionModel } from '../model/function-model.ts';
import type { ModelLosses, TrainableModel } from '../model/trainable-model.ts';
import { sgd } from '../optim/sgd.ts';
import { EagerStepRunner } from './eager-runner.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { TrainStep } from '../step/train-step.ts';
import { CapturedStepRunner, type CapturedRunnerOptions } from './captured-runner.ts';

export type TrialKind = 'eager' | 'captured';
export type TrialBatch = { readonly x: tf.Tensor2D } & Readonly<Record<string, unknown>>;

/** What is trained; each training makes a new one. */
export interface Trial {
  /** Computes the losses from a prediction of shape [rows, 1]. */
  readonly losses?: (prediction: tf.Tensor2D, batch: TrialBatch) => ModelLosses;
  /** A model in place of the linear one. */
  readonly model?: TrainableModel;
  /** Host work before each step. */
  readonly onStep?: (iteration: number, step: TrainStep) => void;
  /** Makes the batch of an iteration; its step disposes of it. */
  readonly batch?: (iteration: number) => object;
}

export interface TrialOptions extends Partial<CapturedRunnerOptions> {
  readonly steps?: number;
  readonly start?: number;
}

export interface Trained {
  /** The total loss of each step, then the weights. */
  readonly numbers: readonly number[];
  readonly lines: readonly string[];
  readonly metrics: readonly Readonly<Record<string, number>>[];
  /** The graphs kept at the end: their names, which number them in the order of capture, and how often each has run. */
  readonly graphs: readonly (readonly [name: string, runs: number])[];
}

const at = (iteration: number): StepContext => ({ iteration, startIteration: 0, maxIterations: 1e6 });

/** The inputs of a batch, with the given number of rows. */
export const inputs = (iteration: number, rows = 4) => ({
  x: {
    data: Float32Array.from({ length: rows * 3 }, (_, k) => Math.sin(iteration * 31 + k * 7)),
    shape: [rows, 3],
  },
});

/** Trains some steps (default 12), eagerly or captured. */
export async function trainKind(kind: TrialKind, make: () => Trial, options: TrialOptions = {}): Promise<Trained> {
  const { steps = 12, start = 0, ...rest } = options;
  const { losses, onStep, batch = inputs, model = linear(losses) } = make();
  const scope = new RunnerScope({ random: 5 });
  const step = new TrainStep({
    model,
    optimizer: sgd(model, { learningRate: 0.02, momentum: 0.9 }),
    hooks: new HookSet('engine', HOOK_TABLE, new HookSite()).byName,
    scope,
  });
  let iteration = start;
  const source = new BatchSource(
    (function* () {
      for (;;) yield batch(iteration);
    })(),
  );
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const runner =
    kind === 'eager'
      ? new EagerStepRunner({ step, source })
      : new CapturedStepRunner({ step, source, capture: 'required', log, ...rest });
  const numbers: number[] = [];
  const metrics: Record<string, number>[] = [];
  let graphs: [string, number][] = [];
  try {
    for (; iteration < start + steps; iteration++) {
      onStep?.(iteration, step);
      const output = await runner.run(at(iteration));
      numbers.push((output.totalLoss ?? output.losses['total_loss']) as number);
      const read: Record<string, number> = {};
      for (const [name, value] of Object.entries(output.metrics ?? {})) {
        read[name] = typeof value === 'number' ? value : await value.read();
        if (typeof value !== 'number') value.dispose?.();
      }
      metrics.push(read);
    }
    for (const variable of step.variables().values()) numbers.push(...variable.dataSync());
    if (runner instanceof CapturedStepRunner) graphs = runner.recorded.map(({ name, runs }) => [name, runs]);
  } finally {
    await runner.close();
    for (const variable of step.variables().values()) variable.dispose();
  }
  return { numbers, lines, metrics, graphs };
}

/** Expects two trainings to give the same numbers up to rounding. */
export function expectSame(actual: Trained, expected: Trained, tolerance = 1e-6): void {
  expect(actual.numbers).toHaveLength(expected.numbers.length);
  actual.numbers.forEach((value, i) => {
    const wanted = expected.numbers[i] as number;
    expect(Number.isFinite(wanted)).toBe(true);
    expect(Math.abs(value - wanted)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(wanted)));
  });
}

/** Trains once eagerly and once captured, and expects the same numbers. @returns the captured training */
export async function trainBoth(make: () => Trial, options: TrialOptions = {}): Promise<Trained> {
  const captured = await trainKind('captured', make, options);
  expectSame(captured, await trainKind('eager', make, options));
  return captured;
}

function linear(losses: Trial['losses'] = (prediction) => prediction.square().mean()): TrainableModel {
  const w = tf.variable(tf.tensor2d([0.4, -0.3, 0.2], [3, 1]));
  return functionModel<TrialBatch>({
    variables: { w },
    losses: (batch) => losses(batch.x.matMul(w as tf.Tensor2D) as tf.Tensor2D, batch),
  });
}
