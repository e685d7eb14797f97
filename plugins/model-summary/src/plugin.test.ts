import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PluginInput, TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, weightsOf } from '@hookline/testing';
import { functionModel, layersModel, selectDevice, sgd, tf, tfjsRuntime, type TrainableModel } from '@hookline/tfjs';
import { modelSummary } from './index.ts';
import { multiplyAdds } from './multiply-adds.ts';

beforeAll(() => selectDevice('auto'));

/** Captured where the backend can. */
const captured = () => (tf.getBackend() === 'tensorflow' ? 'required' : 'auto');

function convNet(): TrainableModel {
  const { conv2d, batchNormalization, depthwiseConv2d, flatten, dropout, dense } = tf.layers;
  const net = tf.sequential({
    name: 'net',
    layers: [
      conv2d({ name: 'conv', inputShape: [8, 8, 3], filters: 4, kernelSize: 3, strides: 2, padding: 'same' }),
      batchNormalization({ name: 'norm' }),
      depthwiseConv2d({ name: 'depthwise', kernelSize: 3, padding: 'same', useBias: false }),
      flatten({ name: 'flat' }),
      dropout({ name: 'drop', rate: 0.5 }),
      dense({ name: 'dense', units: 5 }),
    ],
  });
  return layersModel<{ x: tf.Tensor; y: tf.Tensor }>(net, {
    loss: (out, { y }) => tf.losses.meanSquaredError(y, out as tf.Tensor),
  });
}

function* batches() {
  for (let batch = 0; ; batch++) {
    const numbers = (count: number) =>
      Float32Array.from({ length: count }, (_, k) => Math.sin(batch * count + k * 1.7));
    yield { x: { data: numbers(2 * 192), shape: [2, 8, 8, 3] }, y: { data: numbers(10), shape: [2, 5] } };
  }
}

async function train(
  plugins: readonly PluginInput[],
  capture: 'off' | 'auto' | 'required',
  output?: string,
  model = convNet,
) {
  const logger = new RecordingLogger();
  const runtime = tfjsRuntime({ model, optimizer: (of) => sgd(of, { learningRate: 0.1 }), data: batches(), capture });
  const trainer = new TrainerBase({
    maxIterations: 3,
    seed: 1,
    logger,
    ...(output === undefined ? {} : { output }),
    services: runtime.services,
    plugins: [...runtime.plugins, ...plugins],
  });
  await trainer.train();
  return { weights: await weightsOf(trainer), logger };
}

// conv: 2·4·4·4 outputs of 27 each; depthwise: 2·4·4·4 of 9; dense: 2·5 of 64.
const TABLE = `layer      output        parameters  trained  multiply-adds
conv       [2, 4, 4, 4]         112      112          3,456
norm       [2, 4, 4, 4]          16        8              0
depthwise  [2, 4, 4, 4]          36       36          1,152
dense      [2, 5]               325      325            640
net: 489 parameters, 481 of them trained; 5,248 multiply-adds in the forward pass of a batch, 2,624 for each of its 2 items`;

describe('modelSummary', () => {
  let folder: string;
  beforeEach(() => {
    folder = temporaryFolder();
  });

  it('has the name and version of its package', async () => {
    const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as object;
    expect(manifest).toMatchObject({ name: modelSummary.definition.name, version: modelSummary.definition.version });
  });

  it.each(['off', 'captured'])(
    'logs and writes the table once, and changes no weight, with capture %s',
    async (mode) => {
      const capture = mode === 'off' ? 'off' : captured();
      const run = await train([modelSummary()], capture, folder);
      expect(run.logger.matching('multiply-adds')).toEqual([TABLE]);
      expect(await readFile(join(folder, 'model-summary.txt'), 'utf8')).toBe(`${TABLE}\n`);
      // Its data is a generator, which cannot go back, and its net draws random numbers.
      expect(run.weights).toEqual((await train([], capture)).weights);
    },
  );

  it('logs one line where it shall, and counts what has no weights', async () => {
    const attention = () => {
      const q = tf.variable(tf.ones([3, 4]));
      const idle = tf.variable(tf.ones([2]));
      return functionModel<{ x: tf.Tensor4D }>({
        name: 'attention',
        variables: { q, 'idle/part/bias': idle },
        losses: ({ x }) => {
          const queries = tf.matMul<tf.Tensor2D>(x.reshape([128, 3]), q);
          return tf.mean(tf.matMul(queries, queries, false, true)).asScalar();
        },
      });
    };
    const { logger } = await train([modelSummary({ log: false })], 'off', folder, attention);
    expect(logger.matching('multiply-adds')).toHaveLength(1);
    const lines = (await readFile(join(folder, 'model-summary.txt'), 'utf8'))
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(lines.slice(1, 4)).toEqual([
      ['q', '[128, 4]', '12', '12', '1,536'],
      ['idle/part', '2', '2', '0'],
      ['(products without weights)', '0', '0', '65,536'],
    ]);
  });

  it('keeps the contract of plugins', () => checkPluginContract({ plugin: modelSummary }));
});

it.each([
  ['Conv2DBackpropInput', { dy: [1, 2, 2, 8], filter: [3, 3, 4, 8] }, {}, [1, 4, 4, 4], 32 * 9 * 4],
  ['Conv3D', { x: [1, 4, 4, 4, 2], filter: [3, 3, 3, 2, 5] }, {}, [1, 4, 4, 4, 5], 320 * 54],
  ['BatchMatMul', { a: [7, 6, 2], b: [7, 6, 3] }, { transposeA: true }, [7, 2, 3], 7 * 2 * 3 * 6],
  ['Einsum', { 0: [2, 5, 3], 1: [2, 3, 4] }, { equation: 'bij, bjk -> bik' }, [2, 5, 4], 2 * 5 * 3 * 4],
  ['Einsum', { 0: [2, 5, 3] }, { equation: 'bij->bji' }, [2, 3, 5], 0],
  ['Relu', { x: [9] }, {}, [9], 0],
])('counts the multiply-adds of %s', (kernel, inputs, attributes, output, expected) => {
  expect(multiplyAdds({ kernel, inputs, attributes, output })).toBe(expected);
});
