import { ConsoleLogger, definePlugin, type PluginInput } from '@hookline/core';
import { anomalyGuard } from '@hookline/plugin-anomaly-guard';
import { earlyStopping } from '@hookline/plugin-early-stopping';
import { ema, emaRef } from '@hookline/plugin-ema';
import { ClassificationEvaluator } from '@hookline/plugin-evaluator';
import { gradientAccumulation } from '@hookline/plugin-gradient-accumulation';
import { gradientClipping } from '@hookline/plugin-gradient-clipping';
import { constant, warmup } from '@hookline/plugin-lr-scheduler';
import { memoryStats } from '@hookline/plugin-memory-stats';
import { plots } from '@hookline/plugin-plots';
import { profiler } from '@hookline/plugin-profiler';
import { reduceOnPlateau } from '@hookline/plugin-reduce-on-plateau';
import { presetDefault } from '@hookline/preset-default';
import { RecordingLogger } from '@hookline/testing';
import {
  adam,
  adamW,
  layersModel,
  modelRef,
  stepScopeRef,
  tf,
  type TrainableModel,
  type tf as TF,
} from '@hookline/tfjs';
import { SimpleTrainer, type SimpleTrainerOptions } from './simple-trainer.ts';

const CLASSES = 3;
const FEATURES = 5;
/** Number of samples; the last batch of a pass is smaller than the others. */
const SIZES = [6, 6, 6, 6, 3];

/** Batches of points; the class of a point is the index of the largest of three sums. */
export function* points(): Generator {
  for (const [index, size] of SIZES.entries()) {
    const x = Float32Array.from({ length: size * FEATURES }, (_, k) => Math.sin((index * 31 + k) * 1.7));
    const y = new Float32Array(size * CLASSES);
    for (let row = 0; row < size; row++) {
      const [a = 0, b = 0, c = 0, d = 0, e = 0] = x.subarray(row * FEATURES, (row + 1) * FEATURES);
      const sums = [a + b, c - d, e];
      y[row * CLASSES + sums.indexOf(Math.max(...sums))] = 1;
    }
    yield { x: { data: x, shape: [size, FEATURES] }, y: { data: y, shape: [size, CLASSES] } };
  }
}

/** A model with batch norm, dropout and a regularizer, which make exact resuming and capture hard. */
export function makeNet(): TrainableModel {
  const net = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [FEATURES], units: 8, activation: 'relu', kernelRegularizer: 'l1l2' }),
      tf.layers.batchNormalization({ momentum: 0.9 }),
      tf.layers.dropout({ rate: 0.25 }),
      tf.layers.dense({ units: CLASSES }),
    ],
  });
  return layersModel<{ x: TF.Tensor; y: TF.Tensor }>(net, {
    name: 'points',
    loss: (logits, { y }) => ({ class_loss: tf.losses.softmaxCrossEntropy<TF.Tensor, TF.Scalar>(y, logits) }),
  });
}

/** Makes the loss NaN at one iteration and the gradients at another, by inputs of the step. */
export const poison = definePlugin({
  name: 'poison',
  version: '1.0.0',
  before: ['accumulation?', 'anomaly-guard?'],
  requires: { scope: stepScopeRef },
  setup({ hooks, scope }) {
    let iteration = 0;
    const bad = (at: number) => (iteration === at ? Number.NaN : 1);
    const loss = scope.value.input('poison/loss', () => bad(POISONED.loss));
    const gradient = scope.value.input('poison/gradient', () => bad(POISONED.gradient));
    hooks.beforeStep.tap((step) => void (iteration = step.iteration));
    hooks.losses.tap((losses) =>
      Object.fromEntries(Object.entries(losses).map(([name, value]) => [name, tf.mul(value, loss.tensor())])),
    );
    hooks.gradients.tap((gradients) =>
      Object.fromEntries(Object.entries(gradients).map(([name, value]) => [name, tf.mul(value, gradient.tensor())])),
    );
  },
});

/** The iterations at which {@link poison} makes the loss, and the gradients of an update, NaN. */
export const POISONED = { loss: 8, gradient: 13 };

/** Every first-party plugin that takes part in training, in one list. */
export function everyPlugin({ period = 5 }: { readonly period?: number } = {}): readonly PluginInput[] {
  return [
    poison(),
    presetDefault({
      lrScheduler: { schedule: warmup(constant(), { iterations: 10, factor: 0.1 }) },
      preciseBn: { loader: points, batches: 4, period },
      checkpointer: { period },
      evaluator: { period, evaluators: new ClassificationEvaluator(), loader: points },
      bestCheckpointer: { metric: 'accuracy' },
      writers: { period, tensorboard: false },
    }),
    gradientAccumulation({ steps: 2 }),
    anomalyGuard({ loss: 'skip', gradients: 'skip', period }),
    gradientClipping({ type: 'global-norm', clip: 0.5, metric: true }),
    ema({ decay: 0.9 }),
    earlyStopping({ metric: 'accuracy', patience: 1000 }),
    // The accuracy stays on plateaus long enough for several reductions.
    reduceOnPlateau({ metric: 'accuracy', patience: 0, factor: 0.5 }),
    memoryStats({ period, leakWindow: 40 }),
    profiler({ start: 3, steps: 5 }),
    plots({ period }),
  ];
}

/** Options of {@link fullTrainer}. */
export interface FullTrainerOptions {
  readonly output: string;
  readonly capture: 'off' | 'required';
  readonly maxIterations?: number;
  readonly plugins?: readonly PluginInput[];
  readonly seed?: number;
}

/** Makes a trainer with every plugin at once. */
export function fullTrainer({ output, capture, maxIterations = 40, plugins, seed = 5 }: FullTrainerOptions) {
  return new SimpleTrainer({
    device: 'auto',
    model: makeNet,
    optimizer: (model) => adamW(model, { learningRate: 2e-3, weightDecay: 0.01 }),
    data: points,
    repeat: true,
    capture,
    output,
    seed,
    maxIterations,
    plugins: plugins ?? everyPlugin(),
    logger: new ConsoleLogger({ level: 'silent' }),
  });
}

/** Runs a short training of {@link makeNet} with only these plugins. */
export function pointTrainer(
  output: string,
  plugins: readonly PluginInput[],
  options: Partial<SimpleTrainerOptions> = {},
): SimpleTrainer {
  return new SimpleTrainer({
    device: 'auto',
    model: makeNet,
    optimizer: (model) => adam(model, { learningRate: 0.01 }),
    data: points,
    repeat: true,
    output,
    seed: 5,
    maxIterations: 8,
    plugins,
    logger: new RecordingLogger(),
    ...options,
  });
}

/** Weights, moving statistics and averaged weights, as plain numbers. */
export async function weightsAndAverages(trainer: SimpleTrainer): Promise<Readonly<Record<string, readonly number[]>>> {
  const model = await trainer.service(modelRef);
  const { averages } = await trainer.service(emaRef);
  const all = [
    ...[...model.trainable(), ...model.state()].map(([name, variable]) => [`model/${name}`, variable] as const),
    ...[...averages].map(([name, variable]) => [`ema/${name}`, variable] as const),
  ];
  return Object.fromEntries(all.map(([name, variable]) => [name, [...variable.dataSync()]]));
}

/** The histories of the scalars that must not depend on time or on how the run was executed. */
export function histories(trainer: SimpleTrainer): Readonly<Record<string, readonly (readonly number[])[]>> {
  const timeless = trainer.storage.names().filter((name) => !/time|memory|eta/.test(name));
  return Object.fromEntries(
    timeless.map((name) => [
      name,
      trainer.storage
        .history(name)
        .values()
        .map(({ iteration, value }) => [iteration, value]),
    ]),
  );
}

/** Whether this machine can run a capture mode: only native TensorFlow runs graphs. */
export const isHere = (capture: 'off' | 'required') => capture === 'off' || tf.getBackend() === 'tensorflow';
/** The capture modes to test: eager and captured. */
export const MODES = ['off', 'required'] as const;
