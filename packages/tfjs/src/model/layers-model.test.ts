import tf from '#tfjs';
import { difference, train } from '../runners/train-both.test.support.ts';
import { selectDevice } from '../device/select-device.ts';
import { rig } from '../step/step-fixture.test.support.ts';
import { layersModel } from './layers-model.ts';
import { modelVariables } from './trainable-model.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

const meanOf = { loss: (outputs: tf.Tensor): tf.Scalar => tf.mean(outputs) };

function convnet(): tf.Sequential {
  return tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [8, 8, 1], filters: 2, kernelSize: 3 }),
      tf.layers.batchNormalization(),
      tf.layers.conv2d({ filters: 2, kernelSize: 3 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 2, name: 'head' }),
    ],
  });
}

it('names variables by layer and weight, the same for every copy of the model', () => {
  // tfjs itself would continue counting: conv2d_Conv2D3 and so on.
  const [first, second] = [layersModel(convnet(), meanOf), layersModel(convnet(), meanOf)];
  expect([...first.trainable().keys()]).toEqual([
    'conv2d_1/kernel',
    'conv2d_1/bias',
    'batch_normalization_1/gamma',
    'batch_normalization_1/beta',
    'conv2d_2/kernel',
    'conv2d_2/bias',
    'head/kernel',
    'head/bias',
  ]);
  expect([...first.state().keys()]).toEqual([
    'batch_normalization_1/moving_mean',
    'batch_normalization_1/moving_variance',
  ]);
  expect([...modelVariables(second).keys()]).toEqual([...modelVariables(first).keys()]);
  expect(second.trainable().get('head/kernel')).not.toBe(first.trainable().get('head/kernel'));
});

it('names weights nested in wrappers, cells and other models', () => {
  const build = (): string[] => {
    const inner = tf.sequential({
      layers: [tf.layers.dense({ units: 3, inputShape: [4] }), tf.layers.dense({ units: 3 })],
    });
    const outer = tf.sequential({
      layers: [
        tf.layers.bidirectional({ layer: tf.layers.lstm({ units: 2 }), inputShape: [4, 3] }),
        inner,
        tf.layers.dense({ units: 1 }),
      ],
    });
    return [...layersModel(outer, meanOf).trainable().keys()];
  };
  const names = build();
  expect(names).toEqual([
    ...['forward', 'backward'].flatMap((way) =>
      ['kernel', 'recurrent_kernel', 'bias'].map((weight) => `bidirectional_1/${way}_lstm_1/${weight}`),
    ),
    ...[1, 2, 3].flatMap((layer) => [`dense_${layer}/kernel`, `dense_${layer}/bias`]),
  ]);
  expect(build()).toEqual(names);
});

it('keeps the names when layers are frozen, and lists frozen weights as state', () => {
  const net = convnet();
  net.layers[0]!.trainable = false;
  const model = layersModel(net, meanOf);
  expect([...model.state().keys()].slice(0, 2)).toEqual(['conv2d_1/kernel', 'conv2d_1/bias']);
  expect([...model.trainable().keys()]).toContain('conv2d_2/kernel');
  expect(model.trainable().has('conv2d_1/kernel')).toBe(false);
});

it('lists a shared layer once', () => {
  const shared = tf.layers.dense({ units: 3 });
  const input = tf.input({ shape: [3] });
  const model = tf.model({ inputs: input, outputs: shared.apply(shared.apply(input)) as tf.SymbolicTensor });
  expect([...layersModel(model, meanOf).trainable().keys()]).toEqual(['dense_1/kernel', 'dense_1/bias']);
});

it('distinguishes layers that were given the same name', () => {
  const inner = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [3], name: 'fc' })] });
  const outer = tf.sequential({ layers: [inner, tf.layers.dense({ units: 1, name: 'fc' })] });
  expect([...layersModel(outer, meanOf).trainable().keys()]).toEqual([
    'fc/kernel',
    'fc/bias',
    'fc/kernel_2',
    'fc/bias_2',
  ]);
});

it('recognises norms and biases', () => {
  const model = layersModel(convnet(), meanOf);
  const kinds = [...model.trainable().keys()].map((name) => model.kindOf!(name));
  expect(kinds).toEqual(['weight', 'bias', 'norm', 'norm', 'weight', 'bias', 'weight', 'bias']);
});

it('updates the averages of batch norm in train mode and uses them in eval mode', async () => {
  const net = tf.sequential({
    layers: [tf.layers.batchNormalization({ inputShape: [3], momentum: 0.5, epsilon: 1e-6 })],
  });
  const model = layersModel(net, { loss: (outputs, { y }) => tf.losses.meanSquaredError(y, tf.sum(outputs, 1, true)) });
  const one = rig({ model });
  await one.steps(0, 30);
  const moved = [...model.state().get('batch_normalization_1/moving_mean')!.dataSync()];
  expect(moved.every((value) => value !== 0)).toBe(true);

  const x = tf.tensor([1, 2, 3], [1, 3]);
  model.training = false;
  const [evaluated, again] = [0, 1].map(() => [...(model.predict(x) as tf.Tensor).dataSync()]);
  expect(again).toEqual(evaluated);
  // A single example normalised by its own statistics gives beta; normalised by the averages, it does not.
  model.training = true;
  const beta = [...model.trainable().get('batch_normalization_1/beta')!.dataSync()];
  (model.predict(x) as tf.Tensor).dataSync().forEach((value, k) => expect(value).toBeCloseTo(beta[k]!, 3));
  expect(evaluated!.some((value, k) => Math.abs(value - beta[k]!) > 0.01)).toBe(true);
});

it('adds regularizers to the losses, under their own name when losses are named', () => {
  const net = (): tf.Sequential =>
    tf.sequential({
      layers: [
        tf.layers.dense({
          units: 1,
          inputShape: [2],
          kernelInitializer: 'ones',
          kernelRegularizer: tf.regularizers.l2({ l2: 0.5 }),
        }),
      ],
    });
  const batch = { x: tf.tensor([[1, 2]]), y: tf.tensor([[3]]) };
  const bare = layersModel(net(), { loss: (out, { y }) => tf.losses.meanSquaredError(y, out) });
  // 0.5 · (1² + 1²) for two weights of value one; the error is 0.
  expect((bare.losses(batch) as tf.Scalar).dataSync()[0]).toBeCloseTo(1, 6);
  const named = layersModel(net(), { loss: (out, { y }) => ({ mse: tf.losses.meanSquaredError(y, out) }) });
  const losses = named.losses(batch) as Record<string, tf.Scalar>;
  expect(Object.entries(losses).map(([name, value]) => [name, value.dataSync()[0]])).toEqual([
    ['mse', 0],
    ['regularization_loss', 1],
  ]);
});

it.each<[string, (x: tf.Tensor) => unknown]>([
  ['a tensor', (x) => x],
  ['an array', (x) => [x, tf.zeros([1])]],
  ['inputs', (inputs) => ({ inputs })],
  ['x', (x) => ({ x })],
  ['xs', (xs) => ({ xs })],
])('finds the inputs in %s', (_, batchOf) => {
  const net = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'ones' })] });
  const model = layersModel<unknown>(net, meanOf);
  expect((model.losses(batchOf(tf.tensor([[1, 2]]))) as tf.Scalar).dataSync()[0]).toBe(3);
});

it('says what to do when there are no inputs, or no weights yet', () => {
  const model = layersModel<unknown>(convnet(), { ...meanOf, name: 'net' });
  expect(() => model.losses({ image: tf.zeros([1, 8, 8, 1]) })).toThrow(
    '[HKL_BATCH_INPUTS] model "net": no inputs found in the batch (image). Say where they are: layersModel(model, { inputs: (batch) => batch.image, ... }).',
  );
  expect(() => layersModel(tf.sequential(), meanOf)).toThrow('HKL_MODEL_NOT_BUILT');
});

it('selects several inputs with a function', () => {
  const [a, b] = [tf.input({ shape: [2] }), tf.input({ shape: [2] })];
  const sum = tf.layers.add().apply([a, b]) as tf.SymbolicTensor;
  const outputs = tf.layers.dense({ units: 1, kernelInitializer: 'ones' }).apply(sum) as tf.SymbolicTensor;
  const model = layersModel<{ left: tf.Tensor; right: tf.Tensor }>(tf.model({ inputs: [a, b], outputs }), {
    ...meanOf,
    inputs: ({ left, right }) => [left, right],
  });
  const batch = { left: tf.tensor([[1, 2]]), right: tf.tensor([[3, 4]]) };
  expect((model.losses(batch) as tf.Scalar).dataSync()[0]).toBe(10);
});

describe('layers that contain other layers', () => {
  const l2 = () => tf.regularizers.l2({ l2: 1 });
  const recurrent = {
    kernelInitializer: 'ones',
    recurrentInitializer: 'ones',
    biasInitializer: 'ones',
    kernelRegularizer: l2(),
    recurrentRegularizer: l2(),
    biasRegularizer: l2(),
  } as const;
  const of = (layer: tf.layers.Layer) => tf.sequential({ layers: [layer] });
  const inputShape = [3, 2];
  const dense = () => tf.layers.dense({ units: 2, kernelInitializer: 'ones', kernelRegularizer: l2() });
  // The sum of squares of weights of value one counts the regularized weights.
  it.each<[string, () => tf.Sequential, number, number[]]>([
    ['simpleRNN', () => of(tf.layers.simpleRNN({ units: 2, inputShape, ...recurrent })), 4 + 4 + 2, inputShape],
    [
      'LSTM',
      () => of(tf.layers.lstm({ units: 2, inputShape, ...recurrent, unitForgetBias: false })),
      16 + 16 + 8,
      inputShape,
    ],
    ['GRU', () => of(tf.layers.gru({ units: 2, inputShape, ...recurrent })), 12 + 12 + 6, inputShape],
    [
      'bidirectional',
      () => of(tf.layers.bidirectional({ layer: tf.layers.gru({ units: 2, ...recurrent }), inputShape })),
      2 * (12 + 12 + 6),
      inputShape,
    ],
    [
      'stacked cells',
      () =>
        of(
          tf.layers.rnn({
            inputShape,
            cell: [
              tf.layers.gruCell({ units: 2, ...recurrent }),
              tf.layers.simpleRNNCell({ units: 2, ...recurrent }),
            ] as never,
          }),
        ),
      12 + 12 + 6 + 4 + 4 + 2,
      inputShape,
    ],
    [
      'ConvLSTM2D',
      () =>
        of(
          tf.layers.convLstm2d({
            filters: 1,
            kernelSize: 2,
            padding: 'same',
            inputShape: [2, 4, 4, 1],
            ...recurrent,
            unitForgetBias: false,
          }),
        ),
      16 + 16 + 4,
      [2, 4, 4, 1],
    ],
    ['timeDistributed', () => of(tf.layers.timeDistributed({ layer: dense(), inputShape })), 4, inputShape],
    [
      'a model in a wrapper in a model',
      () => {
        const inner = tf.sequential({ layers: [tf.layers.inputLayer({ inputShape: [2] }), dense()] });
        return of(tf.sequential({ layers: [tf.layers.timeDistributed({ layer: inner, inputShape })] }));
      },
      4,
      inputShape,
    ],
  ])('%s: its regularizers are added', (_, net, expected, shape) => {
    const model = layersModel(net(), { loss: (out) => out.sum().mul<tf.Scalar>(0) });
    const loss = model.losses({ x: tf.zeros([1, ...shape]), y: tf.zeros([1]) });
    expect((loss as tf.Scalar).dataSync()[0]).toBeCloseTo(expected, 4);
  });

  const constrained = () =>
    layersModel(
      tf.sequential({
        layers: [
          tf.layers.bidirectional({
            layer: tf.layers.gru({
              units: 3,
              kernelInitializer: tf.initializers.randomNormal({ seed: 1 }),
              recurrentInitializer: tf.initializers.randomNormal({ seed: 2 }),
              kernelConstraint: tf.constraints.nonNeg(),
              recurrentConstraint: tf.constraints.maxNorm({ maxValue: 0.3, axis: 0 }),
            }),
            inputShape,
          }),
          tf.layers.dense({
            units: 4,
            kernelInitializer: tf.initializers.randomNormal({ seed: 3 }),
            kernelConstraint: tf.constraints.unitNorm({ axis: 0 }),
          }),
          tf.layers.dense({
            units: 1,
            kernelInitializer: tf.initializers.randomNormal({ seed: 4 }),
            kernelConstraint: tf.constraints.minMaxNorm({ minValue: 0.5, maxValue: 0.6, axis: 0 }),
          }),
        ],
      }),
      { loss: (out, { y }) => tf.losses.meanSquaredError(y, out) },
    );
  const batches = [0, 1].map((phase) => ({
    x: { data: Float32Array.from({ length: 24 }, (_, i) => Math.sin(3 * i + phase)), shape: [4, 3, 2] },
    y: { data: Float32Array.from({ length: 4 }, (_, i) => 3 * Math.cos(i + phase)), shape: [4, 1] },
  }));

  it('their constraints hold after each update, in captured and in eager steps', async () => {
    const training = { model: constrained, batches, steps: 6 };
    const eager = await train('eager', training);
    const columns = (name: string, units: number) => {
      const values = eager.variables[`model/${name}`] as number[];
      return Array.from({ length: units }, (_, unit) =>
        Math.hypot(...values.filter((__, place) => place % units === unit)),
      );
    };
    for (const [name, values] of Object.entries(eager.variables)) {
      if (/gru.*\/kernel/.test(name)) expect(Math.min(...values)).toBe(0);
    }
    for (const way of ['forward', 'backward']) {
      const name = Object.keys(eager.variables).find(
        (each) => each.includes(`${way}_gru`) && each.includes('recurrent'),
      );
      for (const size of columns((name as string).slice('model/'.length), 9)) expect(size).toBeLessThan(0.3001);
    }
    for (const size of columns('dense_1/kernel', 4)) expect(size).toBeCloseTo(1, 5);
    for (const size of columns('dense_2/kernel', 1)) {
      expect(size).toBeGreaterThan(0.4999);
      expect(size).toBeLessThan(0.6001);
    }
    if (tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
    expect(difference(eager, await train('captured', training))).toBeLessThan(1e-6);
  });
});
