import { type PluginInput, TrainerBase } from '@hookline/core';
import { RecordingLogger } from '@hookline/testing';
import { functionModel, modelVariables, sgd, tf, tfjsRuntime } from '@hookline/tfjs';

export type Batch = { x: tf.Tensor2D; y: tf.Tensor2D };

export const SAMPLES = 48;
export const xs = Float32Array.from({ length: SAMPLES * 3 }, (_, i) => Math.sin(i * 1.7));
export const ys = Float32Array.from({ length: SAMPLES }, (_, i) => Math.cos(i * 0.9));

export function* batches(size: number) {
  for (let at = 0; at < SAMPLES; at += size) {
    yield {
      x: { data: xs.slice(at * 3, (at + size) * 3), shape: [size, 3] },
      y: { data: ys.slice(at, at + size), shape: [size, 1] },
    };
  }
}

export interface TrainingOptions {
  readonly reduction?: 'mean' | 'sum';
  readonly capture?: 'off' | 'required';
  /** Default: the mean or sum of squared errors. */
  readonly losses?: (w: tf.Variable) => (batch: never) => tf.Scalar;
  readonly data?: () => Iterable<unknown>;
}

/** A linear model on batches of `size`, with a NaN loss at one iteration where asked. */
export function training(
  size: number,
  maxIterations: number,
  plugins: PluginInput[] = [],
  { reduction = 'mean', capture = 'off', losses, data = () => batches(size) }: TrainingOptions = {},
) {
  const w = tf.variable(tf.tensor2d([0.3, -0.2, 0.1], [3, 1]));
  const model = functionModel<Batch>({
    variables: { w },
    losses:
      (losses?.(w) as ((batch: Batch) => tf.Scalar) | undefined) ??
      (({ x, y }) => {
        const squares = x
          .matMul(w as tf.Tensor2D)
          .sub(y)
          .square();
        return reduction === 'mean' ? squares.mean() : squares.sum();
      }),
  });
  const logger = new RecordingLogger();
  const runtime = tfjsRuntime({
    model,
    optimizer: (made) => sgd(made, { learningRate: 0.02, momentum: 0.9, weightDecay: 0.01 }),
    data,
    repeat: true,
    capture,
  });
  const { services } = runtime;
  const trainer = new TrainerBase({ maxIterations, services, plugins: [...runtime.plugins, ...plugins], logger });
  return {
    trainer,
    model,
    logger,
    weights: () => [...modelVariables(model).values()].flatMap((v) => [...v.dataSync()]),
  };
}
