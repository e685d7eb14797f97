import { HOOK_TABLE, HookSet, HookSite } from '@hookline/core';
import { adam, BatchSource, createStepRunner, layersModel, selectDevice, RunnerScope, tf } from '@hookline/tfjs';
import { loadDigits, type DigitsSplit } from '../../examples/digits/load-digits.ts';
import { figure, type BenchmarkArgs, type BenchmarkResult, type Figure } from '../lib/index.ts';

const BATCH = 64;
const PIXELS = 28 * 28;
/** Number of last losses whose mean is the final loss of a training. */
const LAST = 100;

type Kind = 'float32' | 'bfloat16';

/**
 * Compares the final loss and accuracy in float32 and in bfloat16. A convnet is trained on digits with several seeds, so that
 * the difference can be compared with the spread between seeds.
 *
 * Options: `--data FOLDER` with digits in the format of the digits example (by default, digits are drawn), `--steps 800`,
 * `--seeds 5`.
 */
export default async function precision(args: BenchmarkArgs): Promise<BenchmarkResult> {
  const steps = typeof args['steps'] === 'number' ? args['steps'] : args.quick ? 200 : 800;
  const seeds = typeof args['seeds'] === 'number' ? args['seeds'] : args.quick ? 2 : 5;
  await selectDevice('auto');
  const digits = await loadDigits({ root: typeof args['data'] === 'string' ? args['data'] : '', count: 10_000 });
  const figures: Record<string, Figure> = {};
  for (const kind of ['float32', 'bfloat16'] as const) {
    const losses: number[] = [];
    const accuracies: number[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const { loss, accuracy } = await train(kind, seed, steps, digits);
      losses.push(loss);
      accuracies.push(accuracy * 100);
    }
    figures[`${kind}.loss`] = figure(losses, '');
    figures[`${kind}.accuracy`] = figure(accuracies, '%');
  }
  return {
    figures,
    notes: [`${seeds} seeds, ${steps} steps of ${BATCH}; the loss is the mean of the last ${LAST} steps`],
  };
}

async function train(kind: Kind, seed: number, steps: number, { train: data, test }: DigitsSplit) {
  const layers = makeNet(seed);
  const model = layersModel(layers, {
    loss: (out: tf.Tensor, { y }) => tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(y, out),
  });
  const runner = createStepRunner({
    model,
    optimizer: adam(model, { learningRate: 1e-3 }),
    hooks: new HookSet('engine', HOOK_TABLE, new HookSite()).byName,
    scope: new RunnerScope({ random: seed }),
    source: new BatchSource(() => batches(data, seed)),
    capture: 'required',
    precision: kind,
  });
  let sum = 0;
  for (let iteration = 0; iteration < steps; iteration++) {
    const { losses } = await runner.run({ iteration, startIteration: 0, maxIterations: steps });
    if (iteration >= steps - LAST) sum += losses['total_loss'] as number;
  }
  await runner.close?.();
  const accuracy = tf.tidy(() => {
    const images = tf.tensor(
      Float32Array.from(test.images, (value) => value / 255),
      [test.labels.length, 28, 28, 1],
    );
    const guesses = (layers.predict(images) as tf.Tensor).argMax(1);
    return guesses
      .equal(tf.tensor1d(Int32Array.from(test.labels), 'int32'))
      .mean()
      .dataSync<'float32'>()[0] as number;
  });
  tf.disposeVariables();
  return { loss: sum / LAST, accuracy };
}

function makeNet(seed: number): tf.LayersModel {
  const init = (layer: number) => ({ kernelInitializer: tf.initializers.heNormal({ seed: seed * 10 + layer }) });
  return tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [28, 28, 1], filters: 32, kernelSize: 3, activation: 'relu', ...init(1) }),
      tf.layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu', ...init(2) }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dropout({ rate: 0.25 }),
      tf.layers.dense({ units: 128, activation: 'relu', ...init(3) }),
      tf.layers.dense({ units: 10, ...init(4) }),
    ],
  });
}

/** Yields batches of samples drawn at random with replacement. */
function* batches({ images, labels }: DigitsSplit['train'], seed: number) {
  let state = seed;
  for (;;) {
    const x = new Float32Array(BATCH * PIXELS);
    const y = new Float32Array(BATCH * 10);
    for (let row = 0; row < BATCH; row++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const index = Math.floor((state / 2 ** 32) * labels.length);
      for (let pixel = 0; pixel < PIXELS; pixel++)
        x[row * PIXELS + pixel] = (images[index * PIXELS + pixel] as number) / 255;
      y[row * 10 + (labels[index] as number)] = 1;
    }
    yield { x: { data: x, shape: [BATCH, 28, 28, 1] }, y: { data: y, shape: [BATCH, 10] } };
  }
}
