import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type AnyServiceRef,
  ConsoleLogger,
  definePlugin,
  type Plugin,
  readCheckpoint,
  writeCheckpoint,
} from '@hookline/core';
import { ema } from '@hookline/plugin-ema';
import { gradientAccumulation } from '@hookline/plugin-gradient-accumulation';
import { functionModel, selectDevice, tf, trainingStepRef } from '@hookline/tfjs';
import { isHere, makeNet, MODES, points, poison, POISONED } from './all-plugins.test.support.ts';
import { defineConfig } from './config/define-config.ts';
import { DefaultTrainer } from './default-trainer.ts';
import { failure, pointsTrainer } from './points-trainer.test.support.ts';
import type { SimpleTrainer, SimpleTrainerOptions } from './simple-trainer.ts';

let dir: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  dir = temporaryFolder();
});

const logger = new ConsoleLogger({ level: 'silent' });

const make = (options: Partial<SimpleTrainerOptions> = {}): SimpleTrainer => pointsTrainer({ output: dir, ...options });

/** Everything that training changes: weights, moving statistics, optimizer slots, variables of the step. */
async function everything(trainer: SimpleTrainer): Promise<Readonly<Record<string, readonly number[]>>> {
  const all = [...(await trainer.service(trainingStepRef)).variables()];
  return Object.fromEntries(all.map(([name, variable]) => [name, [...variable.dataSync()]]));
}

describe('a loss that is not finite', () => {
  it.each(MODES)('leaves weights, statistics and optimizer to the bit, capture %s', async (capture) => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const until = make({ capture, plugins: [poison()], maxIterations: POISONED.loss });
    await until.train();
    const wanted = await everything(until);
    const failing = make({ capture, plugins: [poison()], maxIterations: 20 });
    await expect(failing.train()).rejects.toThrow(
      /^\[HKL_LOSS_NOT_FINITE\] step: the loss became infinite or NaN: .*NaN.* \(iteration 8\)\. Weights were left as they were\./,
    );
    expect(failing.iteration).toBe(POISONED.loss);
    expect(await everything(failing)).toEqual(wanted);
    await until.dispose();
    await failing.dispose();
  });
});

describe('data, models and optimizers that cannot work', () => {
  const net = () => tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });

  it.each<[string, object, string]>([
    [
      'ends too early',
      { data: [...points()].slice(0, 2), repeat: false },
      '[HKL_DATA_EXHAUSTED] data: the data ended after 2 batches and training wants another (epoch 0, batch 2). Set repeat: true to begin again, or train for fewer iterations.',
    ],
    [
      'is empty',
      { data: [], repeat: false },
      '[HKL_DATA_EMPTY] data: the data holds no batch (epoch 0, batch 0). Look at its path and filters; with dropLast, a set smaller than one batch is empty.',
    ],
    ['is empty and begun again and again', { data: [] }, '[HKL_DATA_EMPTY] data: the data holds no batch'],
    ['is none', { data: undefined }, '[HKL_DATA_INVALID] data: the data is undefined, which cannot be iterated. Give'],
    [
      'is a bare tf.layers model',
      { model: net },
      '[HKL_MODEL_INVALID] option model: the model is a bare tf.layers model. Say what its loss is: layersModel(model, { loss: (outputs, batch) => ... }).',
    ],
    [
      'is no model',
      { model: undefined },
      '[HKL_MODEL_INVALID] option model: the model is undefined. Give layersModel(...), functionModel(...), or an object with losses, trainable and state.',
    ],
    [
      'is a bare optimizer of tf.train',
      {
        get optimizer() {
          return tf.train.sgd(1);
        },
      },
      '[HKL_OPTIMIZER_INVALID] option optimizer: the optimizer is a bare one of tf.train. Let it be told of the model: optimizer: (model) => tfjsOptimizer(model, tf.train...).',
    ],
    [
      'is no optimizer',
      { optimizer: async () => 'sgd' },
      '[HKL_OPTIMIZER_INVALID] option optimizer: the optimizer is sgd. Give (model) => sgd(model, { learningRate }), adam, adamW or tfjsOptimizer.',
    ],
    [
      'captures in a way that there is not',
      { capture: 'yes' },
      `[HKL_STEP_OPTION] step runner: capture is "yes". Give 'auto', 'off' or 'required'.`,
    ],
  ])('one that %s is told what to do', async (_, options, message) => {
    const { message: found } = await failure(make(options).train());
    expect(found.slice(0, message.length)).toBe(message);
  });

  it.each([
    [5, '5'],
    [{}, 'an empty object'],
    ['a', '"a"'],
  ])('a batch without a tensor, such as %j, is shown', async (batch, words) => {
    const weight = tf.variable(tf.zeros([1]));
    const losses = ({ x }: { x: tf.Tensor1D }): tf.Scalar => x.mul(weight).mean();
    const model = () => functionModel({ variables: { weight }, losses });
    const { message } = await failure(make({ model, data: [batch] }).train());
    expect(message).toContain('[HKL_MODEL_FAILED] model "model": computing the losses failed');
    expect(message).toContain(`The batch was ${words}, in which there is no tensor: look at what the data`);
  });
});

class PointsTrainer extends DefaultTrainer {
  override buildModel() {
    return makeNet();
  }
  override *buildTrainLoader(): Generator {
    for (;;) yield* points();
  }
}

describe('checkpoints that are none', () => {
  const config = defineConfig({
    seed: 1,
    capture: 'off',
    solver: { maxIterations: 8, warmupIterations: 0, steps: [] },
    checkpoint: { period: 4 },
    writers: { tensorboard: false, plots: false },
  });
  const trainer = (set: readonly string[] = []) =>
    new PointsTrainer(config.resolve([`output=${JSON.stringify(dir)}`, ...set]), { logger });
  const latest = () => join(dir, 'model_final.safetensors');
  /** All files with their bytes. */
  const contents = async () => {
    const names = (await readdir(dir)).sort();
    return Promise.all(names.map(async (name) => [name, (await readFile(join(dir, name))).toString('base64')]));
  };

  it.each<[string, string, () => Promise<void>]>([
    [
      'is cut off',
      'HKL_CHECKPOINT_TRUNCATED',
      async () => {
        const { length } = await readFile(latest());
        await truncate(latest(), length - 100);
      },
    ],
    [
      'has a changed byte',
      'HKL_CHECKPOINT_CORRUPT',
      async () => {
        const bytes = await readFile(latest());
        bytes[bytes.length - 5]! ^= 1;
        await writeFile(latest(), bytes);
      },
    ],
    [
      'is something else',
      'HKL_CHECKPOINT_FOREIGN',
      () => writeFile(latest(), 'certainly not a checkpoint, but a text'),
    ],
    ['is empty', 'HKL_CHECKPOINT_TRUNCATED', () => writeFile(latest(), '')],
    ['is gone', 'HKL_CHECKPOINT_MISSING', () => rm(latest())],
    [
      'lacks a weight',
      'HKL_STATE_MISMATCH',
      async () => {
        const { manifest, tensors } = await readCheckpoint(latest());
        const rest = new Map([...tensors].filter(([name]) => !name.endsWith('dense_1/kernel')));
        await writeCheckpoint(latest(), { manifest, tensors: rest });
      },
    ],
    [
      'holds weights of another shape',
      'HKL_STATE_MISMATCH',
      async () => {
        const { manifest, tensors } = await readCheckpoint(latest());
        const odd = new Map(tensors);
        odd.set('model/dense_2/bias', { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) });
        await writeCheckpoint(latest(), { manifest, tensors: odd });
      },
    ],
  ])('one that %s changes neither the trainer nor what is saved', async (_, code, spoil) => {
    const done = trainer();
    await done.train();
    await done.dispose();
    await spoil();
    const before = await contents();
    const resumed = trainer(['solver.maxIterations=12']);
    const fresh = await everything(resumed);
    const error = await failure(resumed.resumeOrLoad());
    expect(isCode(error, code) || error.message).toBe(true);
    expect(error.message).toContain('model_final.safetensors');
    expect(await everything(resumed)).toEqual(fresh);
    expect(resumed.iteration).toBe(0);
    expect(await contents()).toEqual(before);
    // The checkpoint before it is intact, and training resumes from it.
    await resumed.load(join(dir, 'model_0000003.safetensors'));
    expect(await resumed.train()).toMatchObject({ status: 'completed', iteration: 12 });
    await resumed.dispose();
  });

  it.each(MODES)('one whose last plugin refuses its state changes nothing, capture %s', async (capture) => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    /** Accepts only what it saved itself. */
    const picky = (year: number): Plugin =>
      definePlugin({
        name: 'picky',
        version: '1.0.0',
        setup: () => ({
          state: {
            save: () => year,
            load: (saved) => {
              if (saved !== year) throw new Error(`nobody knows ${JSON.stringify(saved)} any more`);
            },
          },
        }),
      })();
    const plugins = (year: number) => [ema({ decay: 0.5 }), gradientAccumulation({ steps: 2 }), picky(year)];
    const done = make({ capture, plugins: plugins(2001) });
    await done.train();
    const file = await done.checkpoints.save('old');
    const [other, untouched] = [make({ capture, plugins: plugins(2002) }), make({ capture, plugins: plugins(2002) })];
    await other.prepare();
    const fresh = await everything(other);
    await expect(other.load(file)).rejects.toThrow(/^\[HKL_STATE_LOAD_FAILED\] picky: .*nobody knows 2001 any more/);
    expect(await everything(other)).toEqual(fresh);
    for (const trainer of [other, untouched]) expect(await trainer.train()).toMatchObject({ status: 'completed' });
    expect(await everything(other)).toEqual(await everything(untouched));
    // The same in the middle of a running training.
    await expect(other.load(file)).rejects.toMatchObject({ code: 'HKL_STATE_LOAD_FAILED' });
    for (const trainer of [other, untouched]) await trainer.train({ maxIterations: 11 });
    expect(await everything(other)).toEqual(await everything(untouched));
    for (const trainer of [done, other, untouched]) await trainer.dispose();
  });

  it('a failed evaluation leaves the checkpoint of its iteration, which goes on', async () => {
    class Unlucky extends PointsTrainer {
      override test(): Promise<never> {
        return Promise.reject(new Error('no test data'));
      }
    }
    const set = [`output=${JSON.stringify(dir)}`, 'test.evalPeriod=4', 'solver.maxIterations=9'];
    const unlucky = new Unlucky(config.resolve(set), { logger });
    const error = await failure(unlucky.train());
    expect(error.message).toContain('no test data');
    expect((await readdir(dir)).filter((name) => name.endsWith('.safetensors'))).toEqual(['model_0000003.safetensors']);
    const resumed = trainer(['solver.maxIterations=9']);
    expect(await resumed.resumeOrLoad()).toBe(join(dir, 'model_0000003.safetensors'));
    expect(resumed.iteration).toBe(4);
    expect(await resumed.train()).toMatchObject({ status: 'completed' });
    await unlucky.dispose();
    await resumed.dispose();
  });
});

/** Whether the error, or one that it keeps as its cause, has the code. */
function isCode(error: unknown, code: string): boolean {
  if (!(error instanceof Error)) return false;
  return (error as { code?: unknown }).code === code || isCode(error.cause, code);
}

it('a trainer whose plugin cannot be set up is disposed of like any other', async () => {
  const before = tf.memory().numTensors;
  const missing = { kind: 'service', id: 'nothing', description: 'nothing', scope: 'shared' } as AnyServiceRef;
  const bad = [
    definePlugin({
      name: 'bad-setup',
      version: '1.0.0',
      setup() {
        throw new Error('broken');
      },
    })(),
    definePlugin({ name: 'bad-service', version: '1.0.0', requires: { missing }, setup() {} })(),
  ];
  for (const plugin of bad) {
    const trainer = make({ plugins: [plugin] });
    await expect(trainer.train()).rejects.toMatchObject({ who: plugin.name });
    await trainer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  }
});
