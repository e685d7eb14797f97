import { ConsoleLogger, TrainerBase } from '@hookline/core';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { sgd } from '../optim/sgd.ts';
import { tfjsRuntime } from '../training/tfjs-runtime.ts';
import { inEvalMode } from './in-eval-mode.ts';
import { layersModel } from './layers-model.ts';
import { modelVariables } from './trainable-model.ts';

beforeAll(() => selectDevice('auto'));

type Batch = { x: tf.Tensor; y: tf.Tensor };

/** A batch norm with moving statistics that differ from those of any batch. */
const norm = (name: string, more: object = {}) =>
  tf.layers.batchNormalization({
    name,
    movingMeanInitializer: 'ones',
    movingVarianceInitializer: tf.initializers.constant({ value: 4 }),
    ...more,
  });

/** Ways to freeze a batch norm: on the layer itself, on an enclosing model, or inside a wrapper. */
const NETS: readonly (readonly [string, () => tf.LayersModel])[] = [
  [
    'a layer',
    () =>
      tf.sequential({
        layers: [
          tf.layers.dense({ units: 3, inputShape: [3] }),
          norm('frozen', { trainable: false }),
          tf.layers.dense({ units: 1 }),
        ],
      }),
  ],
  [
    'a layer that normalises an axis other than the last',
    () =>
      tf.sequential({
        layers: [
          tf.layers.dense({ units: 3, inputShape: [3] }),
          tf.layers.reshape({ targetShape: [3, 1] }),
          norm('frozen', { trainable: false, axis: 1 }),
          tf.layers.flatten(),
          tf.layers.dense({ units: 1 }),
        ],
      }),
  ],
  [
    'a model in the model',
    () => {
      const inner = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [3] }), norm('frozen')] });
      inner.trainable = false;
      return tf.sequential({ layers: [inner, tf.layers.dense({ units: 1 })] });
    },
  ],
  [
    'a wrapped layer',
    () =>
      tf.sequential({
        layers: [
          tf.layers.dense({ units: 6, inputShape: [3] }),
          tf.layers.reshape({ targetShape: [2, 3] }),
          tf.layers.timeDistributed({ layer: norm('frozen', { trainable: false }) }),
          tf.layers.flatten(),
          tf.layers.dense({ units: 1 }),
        ],
      }),
  ],
];

function* batches() {
  for (let batch = 0; ; batch++) {
    const x = Float32Array.from({ length: 12 }, (_, k) => 3 + 5 * Math.sin(batch * 12 + k * 1.7));
    yield { x: { data: x, shape: [4, 3] }, y: { data: Float32Array.of(1, 2, 3, 4), shape: [4, 1] } };
  }
}

const make = (net: tf.LayersModel) =>
  layersModel<Batch>(net, { loss: (out, { y }) => tf.losses.meanSquaredError(y, out).asScalar() });

async function trained(net: tf.LayersModel, capture: 'off' | 'required', maxIterations: number) {
  const model = make(net);
  const runtime = tfjsRuntime({
    model,
    optimizer: (made) => sgd(made, { learningRate: 0.001 }),
    data: batches,
    capture,
  });
  const logger = new ConsoleLogger({ level: 'silent' });
  const trainer = new TrainerBase({ maxIterations, logger, ...runtime });
  await trainer.train();
  const losses = trainer.storage.history('total_loss').values();
  return { model, losses: losses.map(({ value }) => value) };
}

const statistics = (net: tf.LayersModel) =>
  make(net)
    .batchNorms?.()
    .map(({ name, mean }) => [name, [...mean.dataSync()]]);

describe.each(['off', 'required'] as const)('a frozen batch norm, capture %s', (capture) => {
  it.each(NETS)('does not change: %s', async (_, makeNet) => {
    // Only native TensorFlow runs graphs.
    if (capture === 'required' && tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
    const net = makeNet();
    const before = new Map(
      [...modelVariables(make(net))]
        .filter(([name]) => /(gamma|beta|moving_\w+)$/.test(name))
        .map(([name, v]) => [name, v.dataSync()]),
    );
    expect(before.size).toBe(4);
    const first = batches().next().value!;
    const expected = tf.tidy(() => {
      const model = make(net);
      const batch = { x: tf.tensor(first.x.data, [4, 3]), y: tf.tensor(first.y.data, [4, 1]) };
      return (inEvalMode(model, () => model.losses(batch)) as tf.Scalar).dataSync()[0] ?? NaN;
    });
    const { model, losses } = await trained(net, capture, 5);
    expect(losses[0]).toBeCloseTo(expected, 3);
    for (const [name, value] of before) expect(model.state().get(name)?.dataSync()).toEqual(value);
    expect(model.batchNorms?.()).toEqual([]);
    expect(new Set(losses).size).toBe(5);
  });

  it('updates its averages again once it is unfrozen', async () => {
    if (capture === 'required' && tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
    const net = NETS[0]![1]();
    await trained(net, capture, 1);
    net.layers[1]!.trainable = true;
    expect(statistics(net)).toEqual([['frozen', [1, 1, 1]]]);
    await trained(net, capture, 1);
    const [[, moved] = []] = statistics(net) ?? [];
    expect(moved).not.toContain(1);
  });
});

it('a batch norm that is not frozen uses the batch and updates its averages, next to a frozen one', async () => {
  const net = tf.sequential({
    layers: [norm('frozen', { inputShape: [3], trainable: false }), norm('free'), tf.layers.dense({ units: 1 })],
  });
  await trained(net, 'off', 2);
  const state = make(net).state();
  expect([...(state.get('frozen/moving_mean')?.dataSync() ?? [])]).toEqual([1, 1, 1]);
  expect([...(state.get('free/moving_mean')?.dataSync() ?? [])]).not.toContain(1);
  expect(statistics(net)?.map(([name]) => name)).toEqual(['free']);
});
