import { readdir } from 'node:fs/promises';
import { ConsoleLogger, definePlugin } from '@hookline/core';
import { ArrayLoader } from '@hookline/data';
import { checkpointer } from '@hookline/plugin-checkpointer';
import { epochHooks } from '@hookline/plugin-epochs';
import { freeze } from '@hookline/plugin-freeze';
import { lrScheduler, multiStep } from '@hookline/plugin-lr-scheduler';
import { adam, functionModel, tf, type TrainableModel } from '@hookline/tfjs';
import { autoScale } from './config/auto-scale.ts';
import type { BaseConfigInput } from './config/config-schema.ts';
import { defineConfig } from './config/define-config.ts';
import { DefaultTrainer } from './default-trainer.ts';
import { SimpleTrainer, type SimpleTrainerOptions } from './simple-trainer.ts';

const logger = new ConsoleLogger({ level: 'silent' });
let output: string;
beforeEach(() => {
  output = temporaryFolder();
});

function makeModel(): TrainableModel {
  const slope = tf.variable(tf.scalar(0));
  return functionModel<{ x: tf.Tensor }>({
    variables: { slope },
    losses: ({ x }) => tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(tf.zerosLike(x), x.mul(slope).sub(1)),
    predict: (x: tf.Tensor) => x.mul(slope),
  });
}

/** Eleven samples: in batches of four, epochs of three steps, or of two whole ones where the last batch is left out. */
const loader = (options: { readonly repeat?: boolean; readonly dropLast?: boolean } = {}) =>
  new ArrayLoader(
    { x: Float32Array.from({ length: 11 }, (_, i) => i / 11) },
    { batchSize: 4, shuffle: true, ...options },
  );

const simple = (options: Partial<SimpleTrainerOptions>) =>
  new SimpleTrainer({
    model: makeModel,
    optimizer: (model) => adam(model, { learningRate: 0.1 }),
    data: loader(),
    output,
    seed: 1,
    logger,
    capture: 'off',
    ...options,
  });

class LineTrainer extends DefaultTrainer {
  override buildModel(): TrainableModel {
    return makeModel();
  }
  override buildTrainLoader() {
    return loader();
  }
}

const config = (values: BaseConfigInput, set: readonly string[] = []) =>
  defineConfig({ seed: 1, output, capture: 'off', writers: { plots: false, tensorboard: false }, ...values }).resolve(
    set,
  );

/** Writes down which samples each epoch had. */
const samplesOf = (log: number[][]) =>
  definePlugin({
    name: 'samples',
    version: '1.0.0',
    requires: { epochs: epochHooks },
    setup({ hooks, epochs }) {
      epochs.beforeEpoch.tap(() => void log.push([]));
      hooks.batch.tap((batch) => {
        for (const x of (batch as { x: tf.Tensor }).x.dataSync()) log.at(-1)?.push(Math.round(x * 11));
        return batch;
      });
    },
  })();

describe('epochs', () => {
  it.each([
    ['ends with a batch that is not full', loader(), 3, 11],
    ['leaves it out', loader({ dropLast: true }), 2, 8],
    ['repeats by itself, which leaves it out', loader({ repeat: true }), 2, 8],
  ] as const)('are passes over a loader that %s', async (_, data, steps, samples) => {
    const log: number[][] = [];
    const trainer = simple({ data, maxEpochs: 3, plugins: [samplesOf(log)] });
    expect(await trainer.train()).toMatchObject({ status: 'completed', iteration: 3 * steps });
    expect(log.map((epoch) => new Set(epoch).size)).toEqual([samples, samples, samples]);
    expect(await trainer.train({ maxEpochs: 3.5 })).toMatchObject({ iteration: Math.ceil(3.5 * steps) });
  });

  it('are where a config counts them, and --set says so too', async () => {
    const asked = config({ solver: { maxEpochs: 2 }, test: { evalPeriod: { epochs: 1 } } }, [
      'checkpoint.period={"epochs":1}',
      'solver.steps=[{"epochs":1}]',
      'solver.warmupIterations=0',
    ]);
    const trainer = new LineTrainer(asked, { logger });
    expect(trainer.maxIterations).toBe(Infinity);
    expect(await trainer.train()).toMatchObject({ status: 'completed', iteration: 6 });
    expect((await readdir(output)).filter((name) => name.startsWith('model_'))).toEqual([
      'model_0000002.safetensors',
      'model_final.safetensors',
    ]);
    expect(
      trainer.storage
        .history('lr')
        .values()
        .map(({ value }) => Number(value.toPrecision(3))),
    ).toEqual([0.001, 0.001, 0.001, 0.0001, 0.0001, 0.0001]);
    expect(trainer.storage.history('epoch').latest()).toBe(2);
  });

  it('are the unit of moments of plugins, and refused by name where the data do not tell their length', async () => {
    const plugins = [
      checkpointer({ period: { epochs: 0.5 }, prefix: 'net' }),
      lrScheduler({ schedule: multiStep({ milestones: [{ epochs: 1 }], gamma: 0.5 }) }),
      freeze({ rules: [{ names: '*', until: { epochs: 1 } }] }),
    ];
    await expect(simple({ maxIterations: 4, plugins }).train()).rejects.toThrow('[HKL_FREEZE_ALL]');
    const trainer = simple({ maxIterations: 4, repeat: true, plugins: plugins.slice(0, 2) });
    await trainer.train();
    expect(
      trainer.storage
        .history('lr')
        .values()
        .map(({ value }) => value),
    ).toEqual([0.1, 0.1, 0.1, 0.05]);
    expect((await readdir(output)).filter((name) => name.startsWith('net_'))).toEqual([
      'net_0000001.safetensors',
      'net_0000002.safetensors',
      'net_final.safetensors',
    ]);
    const batches = [...loader()];
    await expect(
      simple({ maxIterations: 4, data: () => batches, plugins: plugins.slice(0, 1) }).train(),
    ).rejects.toThrow(
      '[HKL_EPOCH_UNKNOWN] @hookline/plugin-checkpointer: period counts in epochs, and the training data do not tell',
    );
  });

  it('end a run in one way: iterations and epochs at once are refused, as is what is neither', () => {
    const refused = (values: object) => () => simple(values);
    expect(refused({ maxEpochs: 2, maxIterations: 2 })).toThrow('both maxIterations and maxEpochs are given');
    expect(refused({ maxEpochs: 0 })).toThrow(
      '[HKL_OPTION_INVALID] trainer: maxEpochs must be a number above 0, not 0',
    );
    expect(refused({})).toThrow('neither maxIterations nor maxEpochs is given');
    expect(() => config({ solver: { maxEpochs: 2, maxIterations: 5 } })).toThrow(
      '[HKL_CONFIG_INVALID] config: both solver.maxIterations and solver.maxEpochs are written',
    );
    expect(() => config({}, ['solver.maxEpochs=2', 'solver.maxIterations=5'])).toThrow(
      '[HKL_CONFIG_INVALID] config: both solver.maxIterations and solver.maxEpochs are written',
    );
    expect(() => config({ checkpoint: { period: { epochs: 0 } } })).toThrow(
      '"checkpoint.period": must be a whole number of iterations, or { epochs: a number above 0 }',
    );
  });

  it('take the place of iterations where they are set from outside, and the other way round', () => {
    expect(config({ solver: { maxIterations: 5 } }, ['solver.maxEpochs=2']).solver.maxEpochs).toBe(2);
    expect(config({ solver: { maxEpochs: 2 } }, ['solver.maxIterations=5']).solver).toMatchObject({
      maxEpochs: 0,
      maxIterations: 5,
    });
  });

  it('take the place of iterations of a recipe and of another kind of device, and the other way round', () => {
    const recipe = { solver: { maxEpochs: 2 } };
    expect(defineConfig({ solver: { maxIterations: 5 } }, {}, recipe).resolve().solver).toMatchObject({
      maxEpochs: 0,
      maxIterations: 5,
    });
    const onWasm = defineConfig({ solver: { maxIterations: 5 } }).on('wasm', recipe);
    expect(onWasm.resolve([], 'wasm').solver.maxEpochs).toBe(2);
    expect(onWasm.resolve().solver).toMatchObject({ maxEpochs: 0, maxIterations: 5 });
  });

  it('leave the number of iterations where they are set to 0', () => {
    const written = { solver: { maxIterations: 5 } };
    expect(config(written, ['solver.maxEpochs=0']).solver.maxIterations).toBe(5);
    expect(defineConfig({ solver: { maxEpochs: 0 } }, {}, written).resolve().solver.maxIterations).toBe(5);
  });

  it('and other keys of a recipe apply where the values do not set them, at every depth', () => {
    const recipe = { solver: { clipGradients: { enabled: true, value: 3 } } };
    expect(defineConfig({ solver: { clipGradients: { value: 1 } } }, {}, recipe).resolve().solver).toMatchObject({
      clipGradients: { enabled: true, value: 1 },
    });
  });

  it('stay as they are where a config is scaled to another batch size', () => {
    const { solver, test, checkpoint } = autoScale(
      config({
        solver: {
          batchSize: 32,
          referenceBatchSize: 16,
          maxEpochs: 4,
          warmupIterations: { epochs: 1 },
          steps: [{ epochs: 3 }],
        },
        test: { evalPeriod: { epochs: 1 } },
        checkpoint: { period: 100 },
      }),
    );
    expect(solver).toMatchObject({ maxEpochs: 4, warmupIterations: { epochs: 1 }, steps: [{ epochs: 3 }] });
    expect([test.evalPeriod, checkpoint.period]).toEqual([{ epochs: 1 }, 50]);
  });
});
