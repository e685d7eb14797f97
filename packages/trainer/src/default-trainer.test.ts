import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ConsoleLogger,
  controlRef,
  definePlugin,
  encodeSafetensors,
  type HostTensor,
  type PluginInput,
  replace,
  type Results,
  type DatasetEvaluator,
} from '@hookline/core';
import { lrScheduleRef } from '@hookline/plugin-lr-scheduler';
import { RecordingLogger } from '@hookline/testing';
import { adam, functionModel, modelRef, type Optimizer, optimizerRef, tf, type TrainableModel } from '@hookline/tfjs';
import type { BaseConfig } from './config/config-schema.ts';
import { defineConfig } from './config/define-config.ts';
import { DefaultTrainer, type DefaultTrainerOptions } from './default-trainer.ts';
import { defineTrainer } from './define-trainer.ts';

const logger = new ConsoleLogger({ level: 'silent' });

function makeModel(): TrainableModel {
  const slope = tf.variable(tf.scalar(0));
  return functionModel<{ x: tf.Tensor; y: tf.Tensor }>({
    variables: { slope },
    losses: ({ x, y }) => tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(y, x.mul(slope)),
    predict: (x: tf.Tensor) => x.mul(slope),
    weightTable: { slope: { name: 'line.slope', layout: 'same' } },
  });
}

/** Batches of y = factor · x. */
const batches = (factor = 3) =>
  [1, 2, 3, 4].map((step) => ({
    x: { data: Float32Array.of(0.1 * step, 0.2 * step), shape: [2] },
    y: { data: Float32Array.of(0.1 * step * factor, 0.2 * step * factor), shape: [2] },
  }));

/** Mean absolute error. */
class ErrorEvaluator implements DatasetEvaluator {
  #errors: number[] = [];
  reset(): void {
    this.#errors = [];
  }
  process(batch: unknown, outputs: unknown): void {
    const error = tf.tidy(() =>
      (outputs as tf.Tensor)
        .sub((batch as { y: tf.Tensor }).y)
        .abs()
        .mean(),
    );
    this.#errors.push(error.dataSync()[0]!);
    error.dispose();
  }
  evaluate(): Results {
    return { error: this.#errors.reduce((sum, value) => sum + value, 0) / this.#errors.length };
  }
}

class LineTrainer extends DefaultTrainer {
  override buildModel(): TrainableModel {
    return makeModel();
  }
  override *buildTrainLoader(): Generator {
    for (;;) yield* batches();
  }
  override buildTestLoader(_config: BaseConfig, dataset: string) {
    return batches(dataset === 'far' ? 5 : 3);
  }
  override buildEvaluator(_config: BaseConfig, dataset: string) {
    return dataset === 'silent' ? undefined : new ErrorEvaluator();
  }
}

const config = defineConfig({
  seed: 1,
  solver: { maxIterations: 40, baseLr: 0.3, momentum: 0, weightDecay: 0, lrSchedule: 'constant', warmupIterations: 0 },
  writers: { tensorboard: false, plots: false },
});

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

const make = (set: string[] = [], options: DefaultTrainerOptions = {}) =>
  new LineTrainer(config.resolve([`output=${JSON.stringify(dir)}`, ...set]), { logger, ...options });
const slopeOf = async (trainer: DefaultTrainer) =>
  (await trainer.service(modelRef)).trainable().get('slope')!.dataSync()[0]!;

describe('DefaultTrainer', () => {
  it('trains from a config, evaluates at the end and saves', async () => {
    const trainer = make();
    const { status, results } = await trainer.train();
    expect(status).toBe('completed');
    expect(await slopeOf(trainer)).toBeCloseTo(3, 1);
    expect(results).toEqual({ error: expect.any(Number) });
    expect(trainer.storage.latest().get('error')).toMatchObject({ value: results!['error'], iteration: 39 });
    expect(await readdir(dir)).toEqual(
      expect.arrayContaining(['metrics.json', 'model_final.safetensors', 'last_checkpoint']),
    );
  });

  it('gives one record of results per data set, and leaves out those without an evaluator', async () => {
    const trainer = make(['datasets.test=["near","far","silent"]', 'solver.maxIterations=2']);
    const { results } = await trainer.train();
    expect(results).toEqual({ near: { error: expect.any(Number) }, far: { error: expect.any(Number) } });
    expect(trainer.storage.latest().has('far/error')).toBe(true);
  });

  it('fails when results are not as expected, after everything is saved', async () => {
    await make(['test.expectedResults=[["","error",0,0.2]]']).train();
    await expect(make(['test.expectedResults=[["","error",9,0.5]]']).train()).rejects.toMatchObject({
      code: 'HKL_RESULTS_UNEXPECTED',
    });
    expect(await readdir(dir)).toContain('model_final.safetensors');
  });

  it('says which part is missing', async () => {
    await expect(new DefaultTrainer(config.resolve([`output=${dir}`]), { logger }).train()).rejects.toThrow(
      /\[HKL_BUILD_MISSING\] DefaultTrainer: buildTrainLoader is not written\. Override buildTrainLoader/,
    );
  });

  it('lets a subclass override a part and a plugin replace the very same part', async () => {
    class AdamTrainer extends LineTrainer {
      override buildOptimizer(_config: BaseConfig, model: TrainableModel): Optimizer {
        return adam(model, { learningRate: 0.5 });
      }
    }
    const byClass = new AdamTrainer(config.resolve([`output=${dir}`]), { logger });
    expect((await byClass.service(optimizerRef)).name).toBe('adam');
    const swap = definePlugin({
      name: 'swap',
      version: '1.0.0',
      services: () => [
        replace(optimizerRef, (_original, { model }) => adam(model, { learningRate: 0.5 }), { model: modelRef }),
        replace(lrScheduleRef, () => ({ type: 'linear', start: 1, end: 0 }) as const),
      ],
      setup() {},
    });
    const byPlugin = make([], { plugins: [swap()] });
    await byPlugin.train();
    expect((await byPlugin.service(optimizerRef)).name).toBe('adam');
    const rates = byPlugin.storage.history('lr').values();
    expect(rates[0]!.value).toBeCloseTo(0.5, 6);
    expect(rates[39]!.value).toBeCloseTo(0.5 / 40, 6);
  });

  it('begins anew with the weights of another run, and goes on with its own once it has a checkpoint', async () => {
    const first = make();
    await first.train();
    const set = [`model.weights=${dir}/model_final.safetensors`, `output=${dir}/second`, 'solver.baseLr=0.001'];
    const second = make(set);
    expect(await second.resumeOrLoad()).toBe(join(dir, 'model_final.safetensors'));
    expect(second.iteration).toBe(0);
    expect(await slopeOf(second)).toBe(await slopeOf(first));
    await second.train();
    const third = make([...set, 'solver.maxIterations=50']);
    expect(await third.resumeOrLoad()).toBe(join(dir, 'second', 'model_final.safetensors'));
    expect(third.iteration).toBe(40);
    const fourth = make(set);
    expect(await fourth.resumeOrLoad({ resume: false })).toBe(join(dir, 'model_final.safetensors'));
    expect(fourth.iteration).toBe(0);
  });

  it('begins with the weights of another program, and leaves all as it was where they do not fit', async () => {
    const write = async (name: string, tensors: Readonly<Record<string, number>>): Promise<string> => {
      const scalars = Object.entries(tensors).map(([key, value]): [string, HostTensor] => [
        key,
        { dtype: 'float64', shape: [], data: Float64Array.of(value) },
      ]);
      await writeFile(join(dir, name), encodeSafetensors(new Map(scalars)));
      return join(dir, name);
    };
    const recording = new RecordingLogger();
    const weights = await write('torch.safetensors', { 'line.slope': 2.5 });
    const trainer = make([`model.weights=${weights}`], { logger: recording });
    expect(await trainer.resumeOrLoad()).toBe(weights);
    expect(await slopeOf(trainer)).toBe(2.5);
    expect(recording.lines).toContain(`${weights}: 1 of the model's 1 tensors loaded (safetensors)`);
    const other = await write('other.safetensors', { 'line.slope': 1, 'a.x': 1, 'b.x': 1, 'c.x': 1 });
    await expect(trainer.load(other, 'weights')).rejects.toThrow(/HKL_WEIGHTS_MISMATCH.*--allow-mismatch weights/);
    await expect(trainer.load(weights)).rejects.toThrow(/HKL_CHECKPOINT_FOREIGN.*see --weights/);
    expect(await slopeOf(trainer)).toBe(2.5);
    await trainer.resumeOrLoad({ weights: other, allowMismatch: ['weights'] });
    expect(await slopeOf(trainer)).toBe(1);
    expect(trainer.iteration).toBe(0);
  });

  it('keeps its config beside the results, and scales it to the batch size', async () => {
    const recording = new RecordingLogger();
    const scaled = ['solver.batchSize=8', 'solver.referenceBatchSize=16', 'solver.maxIterations=5'];
    const trainer = make([...scaled, 'test.evalPeriod=4'], { logger: recording });
    expect(await trainer.train()).toMatchObject({ status: 'completed', iteration: 10 });
    expect(recording.matching('config scaled')).toEqual([
      'config scaled from batches of 16 to 8: learning rate 0.15, 10 iterations, 0 of them warm-up, ' +
        'evaluation every 8, checkpoint every 10000',
    ]);
    expect(trainer.storage.history('lr').latest()).toBe(0.15);
    const { solver } = JSON.parse(await readFile(join(dir, 'config.json'), 'utf8'));
    expect(solver).toMatchObject({ baseLr: 0.15, maxIterations: 10, referenceBatchSize: 8 });
  });

  it('tells the seed that it drew, keeps it in config.json, and gives the same numbers by it', async () => {
    const seedOf = async () => (JSON.parse(await readFile(join(dir, 'config.json'), 'utf8')) as BaseConfig).seed;
    const drawn = new RecordingLogger();
    await make(['seed=-1', 'solver.maxIterations=3'], { logger: drawn }).train();
    const seed = await seedOf();
    expect(seed).toBeGreaterThanOrEqual(0);
    expect(drawn.matching('seed')).toEqual([`seed ${seed}, drawn: seed=${seed} gives the same numbers again`]);
    // A resumed run has the seed with which it started.
    const resumed = make(['seed=-1', 'solver.maxIterations=5']);
    await resumed.resumeOrLoad();
    await resumed.train();
    expect(await seedOf()).toBe(seed);
    const given = new RecordingLogger();
    await make([`seed=${seed}`, 'solver.maxIterations=3'], { logger: given }).train();
    expect(given.matching('seed')).toEqual([]);
  });

  it('squeezes the schedule into what the warm-up leaves where rescaleInterval says so', async () => {
    const rates = async (rescale: boolean) => {
      const set = ['lrSchedule=WarmupCosineLR', 'maxIterations=6', 'warmupIterations=2', 'warmupFactor=0.5'];
      const trainer = make([...set, `rescaleInterval=${rescale}`].map((each) => `solver.${each}`));
      await trainer.train();
      return trainer.storage.history('lr').values();
    };
    const [fixed, rescaled] = [await rates(false), await rates(true)];
    // 0.3·½(1 + cos πw) with w = i/6, or (i - 2)/4.
    expect(fixed[3]?.value).toBeCloseTo(0.15, 12);
    expect(rescaled[2]?.value).toBeCloseTo(0.3, 12);
    expect(rescaled[4]?.value).toBeCloseTo(0.15, 12);
  });

  it('resumes where it was, to the bit', async () => {
    const whole = make(['solver.momentum=0.5']);
    await whole.train();
    const stopper = definePlugin({
      name: 'stopper',
      version: '1.0.0',
      requires: { control: controlRef },
      setup({ hooks, control }) {
        hooks.afterStep.tap(({ iteration }) => {
          if (iteration === 21) control.stop('halfway');
        });
      },
    });
    const set = ['solver.momentum=0.5', 'checkpoint.period=15', `output=${dir}/half`];
    const half = make(set, { plugins: [stopper()] });
    expect(await half.train()).toMatchObject({ status: 'stopped', iteration: 22 });
    const resumed = make(set);
    expect(await resumed.resumeOrLoad()).toMatch(/half/);
    expect(resumed.iteration).toBe(22);
    await resumed.train();
    expect(await slopeOf(resumed)).toBe(await slopeOf(whole));
  });
});

describe('defineTrainer', () => {
  const file = (plugins?: readonly PluginInput[]) =>
    defineTrainer({
      config,
      buildModel: makeModel,
      buildTrainLoader: () => () =>
        (function* () {
          for (;;) yield* batches();
        })(),
      buildTestLoader: (_config, dataset, trainer) => batches(trainer.config.seed + dataset.length),
      buildEvaluator: () => new ErrorEvaluator(),
      ...(plugins && { plugins }),
    });

  it('is the short form of a subclass: the same weights to the bit', async () => {
    const [short, long] = [file().create({ output: join(dir, 'short'), logger }), make()];
    expect(short).toBeInstanceOf(DefaultTrainer);
    await short.train();
    await long.train();
    expect(await slopeOf(short)).toBe(await slopeOf(long));
  });

  it('adds plugins to the default preset, or gives the preset to a function', async () => {
    const extra = definePlugin({ name: 'extra', version: '1.0.0', setup() {} });
    const names = async (trainer: DefaultTrainer) =>
      (await trainer.describe()).plugins.map(({ shortName }) => shortName);
    const added = await names(file([extra()]).create({ output: dir, logger }));
    expect(added).toEqual(
      expect.arrayContaining(['iteration-timer', 'lr-scheduler', 'checkpointer', 'evaluator', 'writers', 'extra']),
    );
    const edited = defineTrainer({
      config,
      buildModel: makeModel,
      buildTrainLoader: () => batches(),
      plugins: (_config, defaults) => [defaults.without('writers'), extra()],
    }).create({ output: dir, logger });
    expect(await names(edited)).not.toContain('writers');
    expect(await names(edited)).toContain('extra');
  });

  it('gives functions the subclass that they start from, and takes methods of its own', async () => {
    class Steps extends LineTrainer {
      buildFactor(_config: BaseConfig): number {
        return 3;
      }
      override buildTestLoader() {
        return batches(this.buildFactor(this.config));
      }
    }
    const edited = defineTrainer({
      config,
      trainer: Steps,
      buildFactor: ({ seed }, trainer) => seed + trainer.config.datasets.test.length + 3,
    }).create({ output: dir, logger });
    expect(edited.buildFactor(edited.config)).toBe(5);
    expect(edited.buildTestLoader()).toEqual(batches(5));
  });

  it('refuses names that its trainer does not have', () => {
    const odd = { config, buildModle: makeModel } as object as { config: typeof config };
    expect(() => defineTrainer(odd)).toThrow(/\[HKL_TRAINER_FILE\].*"buildModle" is no method.*buildModel/);
  });

  it('refuses a file without a config', () => {
    expect(() => defineTrainer({} as never)).toThrow(/\[HKL_TRAINER_FILE\].*Write config: defineConfig/);
  });
});
