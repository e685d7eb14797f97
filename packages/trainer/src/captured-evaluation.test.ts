import { join } from 'node:path';
import { ConsoleLogger, type PluginInput, type DatasetEvaluator } from '@hookline/core';
import { ema } from '@hookline/plugin-ema';
import { evaluator, inferenceOnDataset } from '@hookline/plugin-evaluator';
import { preciseBn } from '@hookline/plugin-precise-bn';
import { saveAt } from '@hookline/testing';
import {
  adam,
  type CaptureMode,
  layersModel,
  modelRef,
  predictorOf,
  selectDevice,
  tf,
  type TrainableLayersModel,
  type TrainableModel,
} from '@hookline/tfjs';
import { SimpleTrainer } from './simple-trainer.ts';

const logger = new ConsoleLogger({ level: 'silent' });
let output: string;

beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

/** 22 images in batches of 8, 8 and 6. */
function* batches() {
  for (const [from, size] of [
    [0, 8],
    [8, 8],
    [16, 6],
  ] as const) {
    const x = Float32Array.from({ length: size * 36 }, (_, i) => Math.sin((from * 36 + i) * 1.7) + (i % 3));
    yield {
      x: { data: x, shape: [size, 6, 6, 1] },
      y: { data: Float32Array.from({ length: size }, (_, i) => Math.cos(from + i)), shape: [size, 1] },
    };
  }
}

const net = () =>
  tf.sequential({
    layers: [
      // A bias before batch norm has no gradient but rounding, which Adam would make as large as any other.
      tf.layers.conv2d({ inputShape: [6, 6, 1], filters: 4, kernelSize: 3, useBias: false }),
      tf.layers.batchNormalization(),
      tf.layers.reLU(),
      tf.layers.dropout({ rate: 0.4 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 1 }),
    ],
  });

/** The sums of each batch's outputs, and all output values. */
class Sums implements DatasetEvaluator {
  seen: number[] = [];
  outputs: number[][] = [];
  reset(): void {
    this.seen = [];
    this.outputs = [];
  }
  async process(_: unknown, outputs: unknown): Promise<void> {
    const values = [...(await (outputs as tf.Tensor).data())];
    this.outputs.push(values);
    this.seen.push(values.reduce((sum, value) => sum + value, 0));
  }
  evaluate() {
    return Object.fromEntries(this.seen.map((sum, place) => [`sum${place}`, sum]));
  }
}

const make = (capture: CaptureMode, maxIterations: number, plugins: readonly PluginInput[] = []) =>
  new SimpleTrainer({
    model: () =>
      layersModel<{ y: tf.Tensor }>(net(), { loss: (out, { y }) => tf.losses.meanSquaredError(y, out).asScalar() }),
    optimizer: (model) => adam(model, { learningRate: 0.01 }),
    data: batches,
    repeat: true,
    capture,
    maxIterations,
    seed: 4,
    output,
    logger,
    plugins: [evaluator({ period: 2, loader: batches, evaluators: new Sums() }), ...plugins],
  });

/** A wrapper around a model whose predictions run eagerly. */
const eagerly = (model: TrainableModel): TrainableModel =>
  layersModel((model as TrainableLayersModel).layers, { loss: () => tf.scalar(0) });

const resultsOf = ({ storage }: SimpleTrainer) =>
  ['sum0', 'sum1', 'sum2'].map((name) =>
    storage
      .history(name)
      .values()
      .map(({ value }) => value),
  );

it.each<[string, () => PluginInput[]]>([
  ['the weights of the last step', () => []],
  ['averaged weights', () => [ema({ decay: 0.7 })]],
  ['precise statistics', () => [preciseBn({ loader: batches, batches: 3, period: 2 })]],
])('evaluates with %s, in graphs as eagerly', async (_, plugins) => {
  const run = async (capture: CaptureMode) => {
    const trainer = make(capture, 6, plugins());
    await trainer.train();
    const results = resultsOf(trainer);
    await trainer.dispose();
    return results;
  };
  const eager = await run('off');
  const captured = await run('required');
  expect(captured).toHaveLength(3);
  captured.forEach((values, place) =>
    values.forEach((value, at) => {
      const wanted = eager[place]?.[at] as number;
      expect(Math.abs(value - wanted)).toBeLessThan(1e-4 * Math.max(1, Math.abs(wanted)));
    }),
  );
});

it('gives the same bits each time, those of the eager forward pass but for the fusions of oneDNN, and memory stays flat', async () => {
  const binding = (tf.backend() as unknown as { binding: { getNumOfTensors(): number; getNumOfSavedModels(): number } })
    .binding;
  const sessions = binding.getNumOfSavedModels();
  const trainer = make('required', 4);
  const model = await trainer.service(modelRef);
  await trainer.train();
  const judge = new Sums();
  const evaluate = () => inferenceOnDataset(model, batches, judge);
  await evaluate();
  const counts = () => [tf.memory().numTensors, binding.getNumOfTensors(), binding.getNumOfSavedModels()];
  const before = counts();
  const first = [...judge.seen];
  for (let i = 0; i < 40; i++) await evaluate();
  expect(judge.seen).toEqual(first);
  expect(counts()).toEqual(before);
  const captured = judge.outputs;
  expect(captured.map(({ length }) => length)).toEqual([8, 8, 6]);
  // The same model without its graphs.
  await inferenceOnDataset(eagerly(model), batches, judge);
  // oneDNN fuses the batch norm into the preceding convolution, which rounds once less. There is no way to ask whether oneDNN is on.
  captured.flat().forEach((value, at) => {
    expect(Math.abs(value - (judge.outputs.flat()[at] as number))).toBeLessThan(5e-6);
  });
  expect(predictorOf(model)?.status).toEqual({ isCaptured: true, reason: undefined, graphs: 2 });
  await trainer.dispose();
  // Predictions after the training give the same values.
  expect(binding.getNumOfSavedModels()).toBe(sessions);
});

it('has the same results to the bit after a resume', async () => {
  const whole = make('required', 8, [ema({ decay: 0.7 }), saveAt(3)]);
  await whole.train();
  const resumed = make('required', 8, [ema({ decay: 0.7 })]);
  await resumed.load(join(output, 'mid.safetensors'));
  await resumed.train();
  expect(resultsOf(resumed)).toEqual(resultsOf(whole));
  await whole.dispose();
  await resumed.dispose();
});

it('evaluates what was loaded', async () => {
  const trained = make('required', 4, [saveAt(3)]);
  await trained.train();
  const fresh = make('required', 8);
  const model = await fresh.service(modelRef);
  const judge = new Sums();
  await inferenceOnDataset(model, batches, judge);
  const before = [...judge.seen];
  await fresh.load(join(output, 'mid.safetensors'));
  await inferenceOnDataset(model, batches, judge);
  expect(judge.seen).not.toEqual(before);
  const other = make('off', 8);
  await other.load(join(output, 'mid.safetensors'));
  const eager = new Sums();
  await inferenceOnDataset(await other.service(modelRef), batches, eager);
  judge.seen.forEach((value, place) => expect(value).toBeCloseTo(eager.seen[place] as number, 4));
  await Promise.all([trained, fresh, other].map((trainer) => trainer.dispose()));
});
