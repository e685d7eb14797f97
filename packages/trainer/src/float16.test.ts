import type { PluginInput } from '@hookline/core';
import { lossScaling } from '@hookline/plugin-loss-scaling';
import { RecordingLogger } from '@hookline/testing';
import { adam, functionModel, modelRef, selectDevice, tf } from '@hookline/tfjs';
import { histories, isHere, makeNet, pointTrainer, points } from './all-plugins.test.support.ts';
import { defineConfig } from './config/define-config.ts';
import { DefaultTrainer, type DefaultTrainerOptions } from './default-trainer.ts';
import type { SimpleTrainerOptions } from './simple-trainer.ts';

let dir: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  dir = temporaryFolder();
});

const make = (plugins: readonly PluginInput[], options: Partial<SimpleTrainerOptions> = {}) =>
  pointTrainer(dir, plugins, options);

describe('float16', () => {
  const usesGpu = (value: boolean) =>
    void ((tf.backend() as unknown as { isUsingGpuDevice: boolean }).isUsingGpuDevice = value);
  // TensorFlow supports float16 on processors too, only slowly, so the test makes the trainer believe that this is a GPU.
  beforeEach(() => {
    if (!isHere('required')) skipTest('captured steps need native TensorFlow');
    usesGpu(true);
  });
  afterEach(() => isHere('required') && usesGpu(false));

  class PointTrainer extends DefaultTrainer {
    override buildModel = makeNet;
    override buildTrainLoader = () => () =>
      (function* () {
        for (;;) yield* points();
      })();
  }
  const config = defineConfig({
    seed: 5,
    capture: 'required',
    solver: { maxIterations: 40, baseLr: 0.01, weightDecay: 0, lrSchedule: 'constant', warmupIterations: 0 },
    writers: { tensorboard: false, plots: false },
  });
  const byDefault = (set: readonly string[], options: DefaultTrainerOptions = {}) =>
    new PointTrainer(config.resolve([`output=${JSON.stringify(dir)}`, ...set]), {
      logger: new RecordingLogger(),
      ...options,
    });

  it('is trained with a scaled loss by DefaultTrainer, close to float32', async () => {
    const run = async (precision: string) => {
      const logger = new RecordingLogger();
      // The scale starts so small that no gradient overflows, and grows every ten steps.
      const scaling = ['initScale=1024', 'growthInterval=10'].map((each) => `solver.amp.${each}`);
      const trainer = byDefault([`precision=${precision}`, ...scaling], { logger });
      await trainer.train();
      return { logger, scalars: histories(trainer) };
    };
    const [full, half] = [await run('float32'), await run('float16')];
    expect(half.logger.matching('float16 (it was asked for)')).toHaveLength(1);
    const [losses = [], wanted = []] = [half, full].map(({ scalars }) =>
      scalars['total_loss']?.map(([, loss]) => loss ?? NaN),
    );
    expect(losses).toHaveLength(40);
    expect(losses).not.toEqual(wanted);
    losses.forEach((loss, i) => expect(Math.abs(loss - (wanted[i] ?? NaN))).toBeLessThan(0.02));
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? NaN) * 0.8);
    expect(
      half.scalars['loss_scale']?.filter(([iteration = 0]) => iteration % 10 === 0).map(([, scale]) => scale),
    ).toEqual([1024, 2048, 4096, 8192]);
    expect(full.scalars['loss_scale']).toBeUndefined();
  });

  it('learns nothing from a small loss unless that is scaled', async () => {
    const run = async (precision: 'float32' | 'float16', initScale: number) => {
      const model = () => {
        const [kernel, top] = [tf.variable(tf.randomNormal([5, 8])), tf.variable(tf.randomNormal([8, 3]))];
        return functionModel<{ x: tf.Tensor2D; y: tf.Tensor2D }>({
          variables: { kernel, top },
          losses: ({ x, y }) =>
            tf.losses
              .softmaxCrossEntropy<tf.Tensor, tf.Scalar>(y, x.matMul(kernel).relu().matMul(top))
              .mul<tf.Scalar>(1e-7),
        });
      };
      const trainer = make([lossScaling({ initScale })], {
        model,
        // Adam does not depend on the magnitude of the gradients.
        optimizer: (made) => adam(made, { learningRate: 0.01, epsilon: 1e-20 }),
        capture: 'required',
        precision,
        maxIterations: 30,
      });
      await trainer.prepare();
      const weights = async () => {
        const variables = (await trainer.service(modelRef)).trainable();
        return [...variables.values()].flatMap((variable) => [...variable.dataSync()]);
      };
      const before = await weights();
      await trainer.train();
      return { before, after: await weights(), skipped: histories(trainer)['skipped_steps']?.at(-1)?.[1] };
    };
    const [full, plain, scaled] = [await run('float32', 1), await run('float16', 1), await run('float16', 65536)];
    expect(plain.after).toEqual(plain.before);
    expect(scaled.skipped).toBe(0);
    const far = (a: readonly number[], b: readonly number[]) =>
      Math.hypot(...a.map((value, i) => value - (b[i] ?? NaN)));
    expect(far(scaled.after, full.after)).toBeLessThan(0.1 * far(full.before, full.after));
  });

  it('survives a scale that is too large for it', async () => {
    const trainer = byDefault(['precision=float16', 'solver.amp.initScale=1e12']);
    await trainer.train();
    const skipped = histories(trainer)['skipped_steps']?.at(-1)?.[1] ?? NaN;
    expect(skipped).toBeGreaterThan(3);
    expect(skipped).toBeLessThan(30);
    const losses = histories(trainer)['total_loss']?.map(([, loss]) => loss) ?? [];
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? NaN);
  });

  it('is refused by SimpleTrainer without a plugin that scales the loss', async () => {
    const trainer = make([], { capture: 'auto', precision: 'float16' });
    await expect(trainer.train()).rejects.toThrow(/HKL_LOSS_SCALE_MISSING.*List lossScaling\(\)/s);
    expect(trainer.iteration).toBe(0);
    await make([lossScaling()], { capture: 'auto', precision: 'float16' }).train();
  });
});

it('is listed by DefaultTrainer for float16 alone', async () => {
  class Bare extends DefaultTrainer {
    override buildModel = makeNet;
    override buildTrainLoader = () => points;
  }
  for (const precision of ['float32', 'bfloat16', 'auto', 'float16'] as const) {
    const trainer = new Bare(defineConfig({ precision, output: dir }).resolve());
    const listed = trainer.buildPlugins(trainer.config).flatMap((each) => (each && 'name' in each ? [each.name] : []));
    expect(listed.includes('@hookline/plugin-loss-scaling')).toBe(precision === 'float16');
  }
});
