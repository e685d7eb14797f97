import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commRef, definePlugin, type RankShare, replace, TrainerBase, type TrainerBaseOptions } from '@hookline/core';
import { checkPluginContract, connectRanks, RecordingLogger, saveAt, tinyTraining } from '@hookline/testing';
import {
  adam,
  functionModel,
  layersModel,
  modelRef,
  selectDevice,
  tf,
  tfjsRuntime,
  type TrainableModel,
  watchableBatchNorm,
} from '@hookline/tfjs';
import type { PreciseBnOptions } from './options.ts';
import { preciseBn } from './plugin.ts';

beforeAll(() => selectDevice('auto'));

type Batch = { x: tf.Tensor; y: tf.Tensor };
const SIZES = [5, 3, 8, 1, 7];

/** Batches of several sizes, over and over where the plugin wants more. */
function* batches() {
  let at = 0;
  for (const size of SIZES) {
    const x = Float32Array.from({ length: size * 3 }, () => 2 + Math.sin(at++ * 1.7) * 3);
    yield { x: { data: x, shape: [size, 3] }, y: { data: new Float32Array(size).fill(1), shape: [size, 1] } };
  }
}

/** Population mean and variance of each of three columns, in plain arithmetic. */
function population(count = SIZES.length) {
  const rows = [...batches()]
    .slice(0, count)
    .flatMap(({ x: { data } }) =>
      Array.from({ length: data.length / 3 }, (_, row) => [...data.subarray(row * 3, row * 3 + 3)]),
    );
  const mean = [0, 1, 2].map((c) => rows.reduce((sum, row) => sum + (row[c] ?? NaN), 0) / rows.length);
  const variance = mean.map((m, c) => rows.reduce((sum, row) => sum + ((row[c] ?? NaN) - m) ** 2, 0) / rows.length);
  return { mean, variance };
}

function layers(dropout = 0): TrainableModel {
  const net = tf.sequential({
    layers: [
      tf.layers.batchNormalization({ inputShape: [3] }),
      tf.layers.dense({ units: 4 }),
      tf.layers.dropout({ rate: dropout }),
      tf.layers.batchNormalization(),
      tf.layers.dense({ units: 1 }),
    ],
  });
  return layersModel<Batch>(net, { loss: (out, { y }) => tf.losses.meanSquaredError(y, out).asScalar() });
}

function functions({ twice = false } = {}): TrainableModel {
  const mean = tf.variable(tf.zeros([3]), false);
  const variance = tf.variable(tf.ones([3]), false);
  const w = tf.variable(tf.ones([3, 1]));
  const norm = watchableBatchNorm({ name: 'norm', mean, variance });
  return functionModel<Batch>({
    variables: { w, mean, variance },
    batchNorms: [norm],
    losses: ({ x, y }, training) => {
      if (training) norm.report(x);
      if (twice) norm.report(x);
      const own = tf.moments(x, [0]);
      mean.assign(mean.mul(0.9).add(own.mean.mul(0.1)));
      return tf.losses.meanSquaredError(y, x.sub(own.mean).matMul(w as tf.Tensor2D)).asScalar();
    },
  });
}

function training(
  makeModel: () => TrainableModel,
  options: Partial<PreciseBnOptions> | undefined,
  {
    maxIterations = 4,
    plugins = [],
    output,
    seed = 1,
    services = [],
  }: Pick<Partial<TrainerBaseOptions>, 'maxIterations' | 'plugins' | 'output' | 'seed' | 'services'> = {},
) {
  const logger = new RecordingLogger();
  const runtime = tfjsRuntime({
    model: makeModel,
    optimizer: (model) => adam(model, { learningRate: 0.01 }),
    data: batches,
    repeat: true,
    capture: 'off',
  });
  const own = options === undefined ? [] : [preciseBn({ loader: batches, batches: SIZES.length, ...options })];
  const trainer = new TrainerBase({
    maxIterations,
    seed,
    logger,
    services: [...runtime.services, ...services],
    plugins: [...runtime.plugins, ...own, ...plugins],
    ...(output === undefined ? {} : { output }),
  });
  return { trainer, logger };
}

async function variablesOf(trainer: TrainerBase, part: 'state' | 'trainable') {
  const model = await trainer.service(modelRef);
  return Object.fromEntries([...model[part]()].map(([name, variable]) => [name, [...variable.dataSync()]]));
}

const expectClose = (found: readonly number[] | undefined, expected: readonly number[]) => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(found?.[i]).toBeCloseTo(value, 4));
};

describe('preciseBn', () => {
  it('has the name and version of its package', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(preciseBn.definition).toMatchObject({ name, version });
  });

  it.each([5, 3])('sets the statistics of %i batches, on layers', async (count) => {
    const { trainer, logger } = training(() => layers(), { batches: count });
    await trainer.train();
    const state = await variablesOf(trainer, 'state');
    const [meanName = '', varianceName = ''] = Object.keys(state);
    expect(meanName).toContain('moving_mean');
    expectClose(state[meanName], population(count).mean);
    expectClose(state[varianceName], population(count).variance);
    expect(logger.matching(`Precise statistics of 2 batch-norm layers from ${count} batches`)).toHaveLength(1);
  });

  it('sets the statistics of a model of functions, and nothing else of its state', async () => {
    const { trainer } = training(() => functions(), {});
    await trainer.train();
    const { mean, variance } = await variablesOf(trainer, 'state');
    expectClose(mean, population().mean);
    expectClose(variance, population().variance);
  });

  it('changes neither weights, losses nor random numbers of the training', async () => {
    const plain = training(() => layers(0.5), undefined, { maxIterations: 12 });
    await plain.trainer.train();
    const precise = training(() => layers(0.5), { period: 3 }, { maxIterations: 12 });
    await precise.trainer.train();
    expect(await variablesOf(precise.trainer, 'trainable')).toEqual(await variablesOf(plain.trainer, 'trainable'));
    expect(precise.trainer.storage.names()).toEqual(plain.trainer.storage.names());
    expect(precise.logger.matching('Precise statistics')).toHaveLength(4);
  });

  it('estimates by what the batch hook makes of the data', async () => {
    const shift = definePlugin({
      name: 'shift',
      version: '1.0.0',
      setup({ hooks }) {
        hooks.batch.tap((batch) => ({ ...(batch as Batch), x: (batch as Batch).x.add(10) }));
      },
    })();
    const { trainer } = training(() => functions(), {}, { plugins: [shift] });
    await trainer.train();
    expectClose(
      (await variablesOf(trainer, 'state'))['mean'],
      population().mean.map((m) => m + 10),
    );
  });

  it('leaves everything as it was when there is too little data, and says how much there is', async () => {
    for (const repeat of [true, false]) {
      const seen: unknown[] = [];
      const look = definePlugin({
        name: 'look',
        version: '1.0.0',
        requires: { model: modelRef },
        setup({ hooks, model }) {
          const state = () => [...model.value.state().values()].map((variable) => [...variable.dataSync()]);
          hooks.afterStep.tap(() => void seen.push(state()));
          hooks.afterTrain.tap(() => void seen.push(state(), model.value.training));
        },
      });
      const { trainer } = training(() => layers(), { batches: 9, repeat }, { maxIterations: 1, plugins: [look()] });
      const before = training(() => layers(), undefined, { maxIterations: 1, plugins: [look()] });
      await before.trainer.train();
      const [, expected] = seen.splice(0);
      await expect(trainer.train()).rejects.toThrow(
        repeat ? 'its loader holds 5 batches and should give 9' : 'HKL_DATA_EXHAUSTED',
      );
      expect(seen).toEqual([expected, true]);
    }
  });

  it('refuses a layer that is used twice', async () => {
    const { trainer } = training(() => functions({ twice: true }), {});
    await expect(trainer.train()).rejects.toThrow('the batch-norm layer "norm" is passed through twice');
  });

  it('is off, and says so, for a model without batch norm', async () => {
    const logger = new RecordingLogger();
    await tinyTraining({ plugins: [preciseBn({ loader: [], period: 1 })], logger }).train();
    expect(logger.matching('nothing to do: the model has no batch norm')).toHaveLength(1);
    const frozen = layers() as ReturnType<typeof layersModel>;
    frozen.layers.layers.forEach((layer) => {
      if (layer.getClassName() === 'BatchNormalization') layer.trainable = false;
    });
    expect(frozen.batchNorms?.()).toEqual([]);
  });

  it('leaves no tensor behind', async () => {
    const { trainer } = training(() => layers(0.5), { period: 2 });
    await trainer.train();
    const before = tf.memory().numTensors;
    await trainer.train({ maxIterations: 20 });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('goes on in its data where it was, also in a resumed run', async () => {
    const output = temporaryFolder();
    const make = (seed: number) =>
      training(() => layers(0.5), { period: 2, batches: 2 }, { maxIterations: 8, plugins: [saveAt(2)], output, seed })
        .trainer;
    const whole = make(1);
    await whole.train();
    const resumed = make(2);
    await resumed.load(join(output, 'mid.safetensors'));
    await resumed.train();
    expect(await variablesOf(resumed, 'state')).toEqual(await variablesOf(whole, 'state'));
  });

  it('takes the share of its rank from a loader that can be shared', async () => {
    const shares: RankShare[] = [];
    await Promise.all(
      connectRanks(2).map(async (comm) => {
        const loader = { shareAmong: (share: RankShare) => void shares.push(share), [Symbol.iterator]: batches };
        const services = [replace(commRef, () => comm)];
        await training(() => layers(), { loader, batches: 2 }, { maxIterations: 2, services }).trainer.train();
        comm.leave();
      }),
    );
    expect(shares).toEqual(expect.arrayContaining([0, 1].map((rank) => ({ rank, size: 2, of: 'rows' }))));
  });

  it('keeps the contract of plugins', () =>
    checkPluginContract({
      plugin: () => preciseBn({ loader: batches, batches: 2, period: 2 }),
      trainer: ({ plugins, output, maxIterations }) =>
        training(() => layers(), undefined, { plugins: [...plugins], output, maxIterations }).trainer,
    }));
});
