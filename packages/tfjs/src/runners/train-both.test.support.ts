import { HOOK_TABLE, HookSet, HookSite, type EngineHookSet } from '@hookline/core';
import tf from '#tfjs';
import { BatchSource } from '../batch/batch-source.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import type { Optimizer } from '../parameters/optimizer.ts';
import { sgd } from '../optim/sgd.ts';
import { EagerStepRunner } from './eager-runner.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { TrainStep } from '../step/train-step.ts';
import { CapturedStepRunner } from './captured-runner.ts';

export interface Training {
  readonly model: () => TrainableModel;
  /** @default gradient descent with a rate of 0.1 */
  readonly optimizer?: (model: TrainableModel) => Optimizer;
  readonly batches: readonly unknown[];
  readonly steps?: number;
  readonly tap?: (hooks: ReturnType<EngineHookSet['facades']>, scope: RunnerScope) => void;
}

export interface Trained {
  readonly losses: readonly number[];
  /** All variables of the step, by name. */
  readonly variables: Readonly<Record<string, readonly number[]>>;
  /** Ops of the captured graph by kind. */
  readonly ops: ReadonlyMap<string, number>;
}

/** Trains a new model with eager or captured steps. */
export async function train(kind: 'eager' | 'captured', training: Training): Promise<Trained> {
  const { steps = 5, batches, optimizer = (of: TrainableModel) => sgd(of, { learningRate: 0.1 }), tap } = training;
  const model = training.model();
  const hooks = new HookSet('engine', HOOK_TABLE, new HookSite());
  const scope = new RunnerScope({ random: 3 });
  tap?.(hooks.facades('test'), scope);
  const step = new TrainStep({ model, optimizer: optimizer(model), hooks: hooks.byName, scope });
  const source = new BatchSource(batches, { repeat: true });
  const runner =
    kind === 'eager'
      ? new EagerStepRunner({ step, source })
      : new CapturedStepRunner({ step, source, capture: 'required' });
  const losses: number[] = [];
  const ops = new Map<string, number>();
  try {
    for (let iteration = 0; iteration < steps; iteration++) {
      const output = await runner.run({ iteration, startIteration: 0, maxIterations: steps });
      losses.push(...(Object.values(output.losses) as number[]));
    }
    if (runner instanceof CapturedStepRunner) {
      for (const { op } of runner.recorded[0]?.record.nodes ?? []) ops.set(op, (ops.get(op) ?? 0) + 1);
    }
  } finally {
    await runner.close();
  }
  const variables = Object.fromEntries([...step.variables()].map(([name, each]) => [name, [...each.dataSync()]]));
  tf.disposeVariables();
  return { losses, variables, ops };
}

/** The largest difference between two trainings, relative to the larger of 1 and the value. */
export function difference(a: Trained, b: Trained): number {
  const numbers = ({ losses, variables }: Trained) => [...losses, ...Object.values(variables).flat()];
  const [left, right] = [numbers(a), numbers(b)];
  expect(left).toHaveLength(right.length);
  return Math.max(...left.map((value, i) => Math.abs(value - (right[i] as number)) / Math.max(1, Math.abs(value))));
}
