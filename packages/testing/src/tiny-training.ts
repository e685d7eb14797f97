import { type Logger, type PluginInput, TrainerBase } from '@hookline/core';
import {
  adam,
  functionModel,
  modelRef,
  type Optimizer,
  sgd,
  tf,
  tfjsRuntime,
  type TfjsRuntimeOptions,
  type TrainableModel,
} from '@hookline/tfjs';
import { RecordingLogger } from './recording-logger.ts';

/** Options of {@link tinyTraining}. */
export interface TinyTrainingOptions {
  readonly plugins?: readonly PluginInput[];
  /** Number of iterations. Default 12. */
  readonly maxIterations?: number;
  /** Seed of all random numbers. Default 1. */
  readonly seed?: number;
  readonly output?: string;
  /** Default: a logger that keeps its lines and prints nothing. */
  readonly logger?: Logger;
  /** Capture mode. Default: the environment variable `HOOKLINE_TEST_CAPTURE`, or else `off`. */
  readonly capture?: TfjsRuntimeOptions['capture'];
  /** Makes the optimizer. Default: Adam with learning rate 0.05. */
  readonly optimizer?: (model: TrainableModel) => Optimizer;
  /** The default optimizer by name, `sgd` or `adam`, if no `optimizer` is given. */
  readonly algorithm?: 'sgd' | 'adam';
}

const FEATURES = 4;
const BATCH = 8;
/** Runs all tests of a package with captured steps: `HOOKLINE_TEST_CAPTURE=required npm run jest -- plugins`. */
const CAPTURE = (process.env['HOOKLINE_TEST_CAPTURE'] ?? 'off') as NonNullable<TfjsRuntimeOptions['capture']>;

/**
 * Makes a trainer that fits y = x·w + b to eight batches of synthetic data, with real tensors, within milliseconds. The backend must
 * have been selected before (`await selectDevice('auto')`).
 */
export function tinyTraining(options: TinyTrainingOptions = {}): TrainerBase {
  const {
    plugins = [],
    maxIterations = 12,
    seed = 1,
    output,
    logger = new RecordingLogger(),
    capture = CAPTURE,
  } = options;
  const algorithm = options.algorithm ?? 'adam';
  const optimizer = options.optimizer ?? ((model) => (algorithm === 'sgd' ? sgd : adam)(model, { learningRate: 0.05 }));
  const runtime = tfjsRuntime({ model: makeModel, optimizer, data: [...tinyBatches()], repeat: true, capture });
  return new TrainerBase({
    maxIterations,
    seed,
    logger,
    ...(output === undefined ? {} : { output }),
    services: runtime.services,
    plugins: [...runtime.plugins, ...plugins],
  });
}

/** The model's variables as plain numbers, by name. */
export async function weightsOf(trainer: TrainerBase): Promise<Readonly<Record<string, readonly number[]>>> {
  const model = await trainer.service(modelRef);
  const entries = [...model.trainable(), ...model.state()].map(
    ([name, variable]) => [name, [...variable.dataSync()]] as const,
  );
  return Object.fromEntries(entries);
}

function makeModel(): TrainableModel {
  const weight = tf.variable(tf.randomNormal([FEATURES, 1]));
  const bias = tf.variable(tf.zeros([1]));
  const forward = (x: tf.Tensor2D): tf.Tensor2D => tf.add<tf.Tensor2D>(tf.matMul(x, weight), bias);
  return functionModel<{ x: tf.Tensor2D; y: tf.Tensor2D }>({
    name: 'tiny',
    variables: { 'linear/kernel': weight, 'linear/bias': bias },
    losses: ({ x, y }) => tf.losses.meanSquaredError<tf.Tensor2D, tf.Scalar>(y, forward(x)),
    predict: (x: never) => forward(x),
  });
}

/** Eight batches of inputs `x` [8, 4] and targets `y` [8, 1] in host memory. */
export function* tinyBatches(): Generator<{ x: HostBatch; y: HostBatch }> {
  for (let batch = 0; batch < 8; batch++) {
    const x = Float32Array.from({ length: BATCH * FEATURES }, (_, index) =>
      Math.sin((batch * BATCH * FEATURES + index) * 1.7),
    );
    const y = Float32Array.from({ length: BATCH }, (_, row) => {
      const [a = 0, b = 0, c = 0, d = 0] = x.subarray(row * FEATURES, (row + 1) * FEATURES);
      return a - 2 * b + 0.5 * c + d + 0.25;
    });
    yield { x: { data: x, shape: [BATCH, FEATURES] }, y: { data: y, shape: [BATCH, 1] } };
  }
}

/** Numbers with their shape, as loaders yield them. */
export interface HostBatch {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}
