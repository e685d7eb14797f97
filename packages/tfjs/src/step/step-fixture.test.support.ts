import { HOOK_TABLE, HookSet, HookSite, type EngineHookSet, type StepContext } from '@hookline/core';
import tf from '#tfjs';
import { BatchSource } from '../batch/batch-source.ts';
import type { DataSource } from '../batch/open-data.ts';
import { functionModel } from '../model/function-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import type { Optimizer } from '../parameters/optimizer.ts';
import { sgd } from '../optim/sgd.ts';
import { snapshotVariables } from '../variables/snapshot-variables.ts';
import { restoreVariables } from '../variables/restore-variables.ts';
import { EagerStepRunner, type CheckFinite } from '../runners/eager-runner.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { TrainStep } from './train-step.ts';

/** The context of one iteration. */
export const at = (iteration: number): StepContext => ({ iteration, startIteration: 0, maxIterations: 1000 });

/** Four inputs with targets that a linear model can fit, different in every batch. */
export function* linearBatches(): Generator {
  for (let i = 0; ; i++) {
    const input = (k: number): number => Math.sin((12 * i + k + 1) ** 2);
    const x = Float32Array.from({ length: 12 }, (_, k) => input(k));
    const y = Float32Array.from(
      { length: 4 },
      (_, k) => 0.5 * input(3 * k) - 0.25 * input(3 * k + 1) + input(3 * k + 2) + 1,
    );
    yield { x: { data: x, shape: [4, 3] }, y: { data: y, shape: [4, 1] } };
  }
}

/** y = xw + b with a squared error, from fixed initial weights. */
export function linearModel(): TrainableModel {
  const w = tf.variable(tf.tensor([0.3, -0.2, 0.1], [3, 1]));
  const bias = tf.variable(tf.tensor([0.05]));
  return functionModel<{ x: tf.Tensor2D; y: tf.Tensor2D }>({
    name: 'linear',
    variables: { w, bias },
    losses: ({ x, y }) => tf.losses.meanSquaredError(y, x.matMul(w as tf.Tensor2D).add(bias)),
  });
}

export interface Rig {
  readonly model: TrainableModel;
  readonly optimizer: Optimizer;
  readonly scope: RunnerScope;
  readonly hooks: EngineHookSet;
  readonly step: TrainStep;
  readonly source: BatchSource;
  readonly runner: EagerStepRunner;
  /** Runs the iterations from `from` (inclusive) to `to` (exclusive). */
  steps(from: number, to: number): Promise<number[]>;
}

export interface RigOptions {
  readonly model?: TrainableModel;
  readonly optimizer?: (model: TrainableModel) => Optimizer;
  readonly data?: DataSource;
  readonly seed?: number;
  readonly checkFinite?: CheckFinite;
  readonly readAsync?: boolean;
  /** Adds taps before the step is made. */
  readonly tap?: (hooks: EngineHookSet, scope: RunnerScope) => void;
}

/** Everything that a step needs, with real hooks. */
export function rig(options: RigOptions = {}): Rig {
  const { model = linearModel(), data = linearBatches, seed = 1, checkFinite, readAsync } = options;
  const optimizer = options.optimizer?.(model) ?? sgd(model, { learningRate: 0.1, momentum: 0.9 });
  const scope = new RunnerScope({ random: seed });
  const hooks = new HookSet('engine', HOOK_TABLE, new HookSite());
  options.tap?.(hooks, scope);
  const step = new TrainStep({ model, optimizer, hooks: hooks.byName, scope });
  const source = new BatchSource(data);
  const runner = new EagerStepRunner({ step, source, checkFinite, readAsync });
  return {
    model,
    optimizer,
    scope,
    hooks,
    step,
    source,
    runner,
    async steps(from, to) {
      const losses: number[] = [];
      for (let i = from; i < to; i++) losses.push((await runner.run(at(i))).losses['total_loss'] as number);
      return losses;
    },
  };
}

/** The values of all variables of a step, as bits. */
export async function bitsOf({ step }: Rig): Promise<Record<string, number[]>> {
  const tensors = await snapshotVariables(step.variables());
  return Object.fromEntries(
    [...tensors].map(([name, { data }]) => [name, [...new Uint32Array(data.buffer, data.byteOffset, data.length)]]),
  );
}

/** Copies the state of one rig to another, through host tensors. */
export async function resume(from: Rig, to: Rig): Promise<void> {
  restoreVariables(to.step.variables(), await snapshotVariables(from.step.variables()), { strict: true });
  to.source.restore(from.source.state());
}
