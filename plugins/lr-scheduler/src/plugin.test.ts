import { readFile } from 'node:fs/promises';
import { checkpointsRef, definePlugin, type Plugin, provide, TrainerBase } from '@hookline/core';
import { RecordingLogger, checkPluginContract, tinyTraining, type TinyTrainingOptions } from '@hookline/testing';
import { functionModel, modelRef, optimizerRef, selectDevice, sgd, tf, tfjsRuntime } from '@hookline/tfjs';
import { lrScheduler } from './plugin.ts';
import { lrScheduleRef, type Schedule } from './schedule.ts';
import { composite } from './schedules/composite.ts';
import { constant } from './schedules/constant.ts';
import { cosine } from './schedules/cosine.ts';
import { custom } from './schedules/custom.ts';
import { linear } from './schedules/linear.ts';
import { multiStep } from './schedules/multi-step.ts';
import { step } from './schedules/step.ts';
import { stepWithFixedGamma } from './schedules/step-with-fixed-gamma.ts';
import { warmupCosine } from './schedules/warmup-cosine.ts';
import { warmup } from './schedules/warmup.ts';

let output: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

const optimizer: TinyTrainingOptions['optimizer'] = (model) => sgd(model, { learningRate: 0.1 });
const make = (schedule: Schedule, options: TinyTrainingOptions = {}) =>
  tinyTraining({ optimizer, output, ...options, plugins: [lrScheduler({ schedule }), ...(options.plugins ?? [])] });
type Trainer = ReturnType<typeof make>;

const rates = (trainer: Trainer): number[] =>
  trainer.storage
    .history('lr')
    .values()
    .map(({ value }) => Number(value.toPrecision(10)));
const rounded = (values: readonly number[]): number[] => values.map((value) => Number(value.toPrecision(10)));
const saver = (at: number): Plugin =>
  definePlugin({
    name: 'saver',
    version: '1.0.0',
    provides: ['checkpointing'],
    requires: { checkpoints: checkpointsRef },
    setup: ({ hooks, checkpoints }) =>
      hooks.afterStep.tap(async ({ iteration }) => void (iteration === at && (await checkpoints.save('here')))),
  })();

describe('lrScheduler', () => {
  it('has the name and version of its package, and keeps the contract of plugins', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(lrScheduler.definition).toMatchObject({ name, version });
    await checkPluginContract({
      plugin: () => lrScheduler({ schedule: cosine() }),
      trainer: (options) => tinyTraining({ optimizer, ...options }),
    });
  });

  it('stores the rate that each step used, unsmoothed', async () => {
    const trainer = make(warmup(multiStep({ milestones: [4, 6] }), { iterations: 2, factor: 0.5 }), {
      maxIterations: 8,
    });
    await trainer.train();
    expect(rates(trainer)).toEqual([0.05, 0.075, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001]);
    expect(trainer.storage.smoothingHints().get('lr')).toBe(false);
  });

  it.each([
    ['constant', constant(), [0.1, 0.1, 0.1, 0.1]],
    ['fixed gamma', stepWithFixedGamma({ decays: 1 }), [0.1, 0.1, 0.01, 0.01]],
    ['a milestone at the end', multiStep({ milestones: [4] }), [0.1, 0.1, 0.1, 0.1]],
  ] as const)('%s lasts until the last step and past it', async (_, schedule, expected) => {
    const trainer = make(schedule, { maxIterations: 4 });
    expect(await trainer.train()).toMatchObject({ status: 'completed' });
    expect(rates(trainer)).toEqual(expected);
  });

  it('is rebuilt from the iteration when resumed; schedule, rate and end may be changed', async () => {
    const whole = make(cosine(), { maxIterations: 8, plugins: [saver(2)] });
    await whole.train();
    const resume = async (schedule: Schedule, options: TinyTrainingOptions): Promise<number[]> => {
      const trainer = make(schedule, options);
      await trainer.resumeOrLoad();
      await trainer.train();
      return rates(trainer).slice(3);
    };
    expect(await resume(cosine(), { maxIterations: 8 })).toEqual(rates(whole).slice(3));
    expect(await resume(linear(), { maxIterations: 8 })).toEqual(rounded([5, 4, 3, 2, 1].map((k) => k / 80)));
    expect(await resume(linear(), { maxIterations: 6 })).toEqual(rounded([3, 2, 1].map((k) => k / 60)));
    const doubled: TinyTrainingOptions['optimizer'] = (model) => sgd(model, { learningRate: 0.2 });
    expect(await resume(constant(), { maxIterations: 5, optimizer: doubled })).toEqual([0.2, 0.2]);
  });

  it('takes the schedule of a service where it is given none', async () => {
    const runtime = tfjsRuntime({
      model: () => {
        const w = tf.variable(tf.scalar(1));
        return functionModel({ variables: { w }, losses: () => w.square() as tf.Scalar });
      },
      optimizer: (model) => sgd(model, { learningRate: 0.1 }),
      data: [{ x: tf.zeros([1]) }],
      repeat: true,
    });
    const trainer = new TrainerBase({
      maxIterations: 3,
      services: [...runtime.services, provide(lrScheduleRef, () => step([1, 0.5, 0.1]))],
      plugins: [...runtime.plugins, lrScheduler()],
      logger: new RecordingLogger(),
    });
    await trainer.train();
    expect(rates(trainer)).toEqual([0.1, 0.05, 0.01]);
    // Plain descent on w² takes w to w·(1 − 2·rate): the rates are what the steps were made with.
    const model = await trainer.service(modelRef);
    const weight = model.trainable().get('w')?.dataSync()[0];
    expect(weight).toBeCloseTo(0.8 * 0.9 * 0.98, 6);
  });

  it('gives the optimizer its own rate back, so that training on does not begin with a scheduled one', async () => {
    const trainer = make(linear(), { maxIterations: 4 });
    await trainer.train();
    expect((await trainer.service(optimizerRef)).learningRate).toBe(0.1);
    await trainer.train({ maxIterations: 8 });
    expect(rates(trainer)).toEqual(rounded([4, 3, 2, 1].map((k) => k / 40).concat([4, 3, 2, 1].map((k) => k / 80))));
  });

  it('sets the rate also after a step that was skipped', async () => {
    const odd = definePlugin({
      name: 'odd',
      version: '1.0.0',
      provides: ['gradients'],
      setup({ hooks }) {
        let failing = false;
        hooks.beforeStep.tap(({ iteration }) => {
          failing = iteration === 1;
        });
        hooks.losses.tap(() => {
          if (failing) throw new Error('unlucky');
        });
        hooks.stepFailed.tap(() => 'skip');
      },
    });
    const trainer = make(linear(), { maxIterations: 4, plugins: [odd()], capture: 'off' });
    await trainer.train();
    expect(rates(trainer)).toEqual(rounded([4, 2, 1].map((k) => k / 40)));
  });

  it('shows the rate of the largest group', async () => {
    const grouped: TinyTrainingOptions['optimizer'] = (model) => sgd(model, { learningRate: 0.1, lrFactor: () => 0.5 });
    const trainer = make(constant(), { maxIterations: 1, optimizer: grouped });
    await trainer.train();
    expect(rates(trainer)).toEqual([0.05]);
  });

  it('warns of what the run will never reach', async () => {
    const logger = new RecordingLogger();
    await make(warmup(constant()), { maxIterations: 2, logger }).train();
    expect(logger.matching('warning')).toEqual([
      'warning: @hookline/plugin-lr-scheduler: the warm-up of 1000 iterations is longer than the run of 2: ' +
        'it is shortened to the run, and the learning rate never reaches its base. ' +
        'Set the iterations of the warm-up (solver.warmupIterations in a config) to a small part of the run, or 0',
    ]);
    const legacy = new RecordingLogger();
    const part = composite<Schedule>({ schedules: [warmupCosine({ warmupIterations: 3 })], lengths: [1] });
    await make(part, { maxIterations: 2, logger: legacy }).train();
    expect(legacy.matching('warning')).toEqual([expect.stringContaining('the learning rate never reaches its base')]);
  });

  it('refuses a rate that is no rate, with the iteration', async () => {
    const trainer = make(custom(({ iteration }) => (iteration === 2 ? Number.NaN : 1)));
    await expect(trainer.train()).rejects.toThrow(/the schedule gave a learning rate of NaN \(iteration 2\)/);
  });

  it('comes first of what checkpoints hold, and shows its schedule', async () => {
    const { plugins } = await make(cosine({ end: 0.1 }), { plugins: [saver(0)] }).describe();
    const [scheduler, second] = plugins.filter(({ id }) => id === 'saver' || id.endsWith('lr-scheduler'));
    expect(scheduler).toMatchObject({ id: '@hookline/plugin-lr-scheduler' });
    expect(second).toMatchObject({ id: 'saver' });
    expect(JSON.stringify(scheduler)).toContain('"type":"cosine"');
  });

  it.each([
    [{ schedule: { type: 'cosin' } }, /option "schedule.type": there is no schedule "cosin". Did you mean "cosine"/],
    [{ schedule: 'cosine' }, /option "schedule": give a schedule/],
    [{}, /\[HKL_SCHEDULE_MISSING\] @hookline\/plugin-lr-scheduler: it has no schedule/],
    [{ shedule: cosine() }, /Did you mean "schedule"/],
  ])('refuses %j', async (options, message) => {
    const trainer = tinyTraining({ plugins: [lrScheduler(options as never)] });
    await expect(trainer.train()).rejects.toThrow(message);
  });
});
