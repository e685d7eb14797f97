import { ConsoleLogger, definePlugin, type Plugin, type PluginInput } from '@hookline/core';
import { anomalyGuard } from '@hookline/plugin-anomaly-guard';
import { checkpointer } from '@hookline/plugin-checkpointer';
import { ema } from '@hookline/plugin-ema';
import { freeze } from '@hookline/plugin-freeze';
import { gradientAccumulation } from '@hookline/plugin-gradient-accumulation';
import { gradientClipping } from '@hookline/plugin-gradient-clipping';
import { lossScaling } from '@hookline/plugin-loss-scaling';
import { lrScheduler } from '@hookline/plugin-lr-scheduler';
import {
  adam,
  alternatingModel,
  type AlternatingPart,
  forPart,
  modelRef,
  modelVariables,
  optimizerRef,
  selectDevice,
  sgd,
  stepScopeRef,
  tf,
} from '@hookline/tfjs';
import { buildOptimizer } from './build-optimizer.ts';
import { defineConfig } from './config/define-config.ts';
import { isHere, MODES } from './all-plugins.test.support.ts';
import { failure } from './points-trainer.test.support.ts';
import { SimpleTrainer, type SimpleTrainerOptions } from './simple-trainer.ts';

let dir: string;
// Select the device at the top level, because the declaration of the captured cases depends on it.
await selectDevice('auto');
beforeEach(() => {
  dir = temporaryFolder();
});

type Batch = { x: tf.Tensor2D };
type Parts = Record<'critic' | 'generator', Partial<AlternatingPart<Batch>>>;

const batches = [1, 2, 3].map((i) => ({
  x: { data: Float32Array.from({ length: 12 }, (_, k) => Math.sin(i * k + 1)), shape: [4, 3] },
}));
const matrix = (columns: number, phase: number): tf.Variable<tf.Rank.R2> =>
  tf.variable(
    tf.tensor2d(
      [...Array(3 * columns).keys()].map((k) => 0.5 * Math.cos(3 * k + phase)),
      [3, columns],
    ),
  );

/** The losses of two parts; each uses the other's variables. */
function adversaries() {
  const [g, c, target] = [matrix(3, 0), matrix(1, 1), matrix(1, 2)];
  const score = (x: tf.Tensor2D) => x.matMul<tf.Tensor2D>(c).tanh();
  const fake = ({ x }: Batch, noise: tf.Tensor | number = 0) =>
    tf.sigmoid(tf.matMul(tf.add(x, noise), g)) as tf.Tensor2D;
  const critic = (batch: Batch, noise?: tf.Tensor) => ({
    real: score(batch.x).neg().mean<tf.Scalar>(),
    fake: score(fake(batch, noise)).mean<tf.Scalar>(),
  });
  const generator = (batch: Batch, noise?: tf.Tensor) => score(fake(batch, noise)).neg().mean<tf.Scalar>();
  return { g, c, target, critic, generator };
}

function make(
  { parts, ...options }: Partial<Omit<SimpleTrainerOptions, 'model'>> & { readonly parts?: Partial<Parts> },
  isNoisy = true,
) {
  const { g, c, target, critic, generator } = adversaries();
  const noise = () => (isNoisy ? tf.randomNormal([4, 3], 0, 0.1) : undefined);
  const trainer = new SimpleTrainer({
    maxIterations: 9,
    seed: 5,
    output: dir,
    logger: new ConsoleLogger({ level: 'silent' }),
    data: batches,
    repeat: true,
    model: () =>
      alternatingModel<Batch>({
        critic: {
          model: { c },
          losses: (batch) => critic(batch, noise()),
          optimizer: (model) => adam(model, { learningRate: 0.02 }),
          ...parts?.critic,
        },
        generator: {
          model: { g },
          losses: (batch) => generator(batch, noise()),
          optimizer: (model) => sgd(model, { learningRate: 0.1, momentum: 0.9 }),
          ...parts?.generator,
        },
        target: { model: { target } },
      }),
    ...options,
  });
  const values = () => [g, c, target].flatMap((variable) => [...variable.dataSync()]);
  const latest = () =>
    Object.fromEntries([...trainer.storage.latest()].map(([name, { value }]) => [name, value])) as Record<
      string,
      number
    >;
  return { trainer, values, latest };
}

/** The same training in a loop written by hand. */
async function byHand(steps: number, period: number): Promise<number[]> {
  const { g, c, target, critic, generator } = adversaries();
  const optimizers = [adam({ c }, { learningRate: 0.02 }), sgd({ g }, { learningRate: 0.1, momentum: 0.9 })] as const;
  for (let i = 0; i < steps; i++) {
    const { data, shape } = (batches[i % 3] as (typeof batches)[0]).x;
    const x = tf.tensor2d(data, shape as [number, number]);
    await optimizers[0].minimize(() => {
      const { real, fake } = critic({ x });
      return tf.addN([real, fake]);
    });
    if ((i + 1) % period === 0) await optimizers[1].minimize(() => generator({ x }));
    x.dispose();
  }
  return [g, c, target].flatMap((variable) => [...variable.dataSync()]);
}

/** Makes the losses of one part NaN at one iteration. */
const spoiler = (part: string, at: number): Plugin =>
  definePlugin({
    name: 'spoiler',
    version: '1.0.0',
    requires: { scope: stepScopeRef },
    setup({ hooks, scope }) {
      let iteration = 0;
      const factor = scope.value.input('spoiler/factor', () => (iteration === at ? Number.NaN : 1));
      hooks.beforeStep.tap((step) => void (iteration = step.iteration));
      hooks.losses.tap((losses, now) =>
        now === part
          ? Object.fromEntries(Object.entries(losses).map(([name, value]) => [name, tf.mul(value, factor.tensor())]))
          : losses,
      );
    },
  })();

describe.each(MODES)('parts that are updated in turn, capture %s,', (capture) => {
  const test = isHere(capture) ? it : it.skip;

  test.each([1, 3])('learn what a loop by hand learns, the second one every %i iterations', async (period) => {
    const { trainer, values, latest } = make({ capture, parts: { generator: { period } } }, false);
    await trainer.train();
    const wanted = await byHand(9, period);
    values().forEach((value, i) => expect(Math.abs(value - (wanted[i] as number))).toBeLessThan(1e-6));
    const found = latest();
    expect(
      Object.keys(found)
        .filter((name) => name !== 'data_time')
        .sort(),
    ).toEqual(['critic/fake', 'critic/real', 'critic/total_loss', 'generator/total_loss', 'total_loss']);
    expect(found['total_loss']).toBeCloseTo(
      (found['critic/total_loss'] ?? 0) + (found['generator/total_loss'] ?? 0),
      6,
    );
    expect(trainer.storage.history('generator/total_loss').length).toBe(9 / period);
  });

  test('go on from a checkpoint to the bit, with plugins for each part', async () => {
    const options = {
      capture,
      parts: { generator: { period: 2 } },
      plugins: [
        checkpointer({ period: 100 }),
        anomalyGuard(),
        gradientClipping({ clip: 0.05, metric: true, type: 'global-norm' }),
        forPart('generator', ema({ decay: 0.9 })),
        forPart('generator', lrScheduler({ schedule: { type: 'cosine' } })),
        forPart('critic', lrScheduler({ schedule: { type: 'multi-step', milestones: [3] } })),
        forPart('critic', gradientAccumulation({ steps: 2 })),
      ] satisfies PluginInput[],
    };
    const whole = make(options);
    await whole.trainer.train({ maxIterations: 5 });
    const file = await whole.trainer.checkpoints.save('five');
    await whole.trainer.train({ maxIterations: 9 });
    const resumed = make(options);
    await resumed.trainer.load(file);
    await resumed.trainer.train();
    expect(resumed.values()).toEqual(whole.values());
    const { data_time: _, ...found } = resumed.latest();
    const { data_time: __, ...wanted } = whole.latest();
    expect(found).toEqual(wanted);
    expect(Object.keys(found)).toEqual(expect.arrayContaining(['generator/lr', 'generator/grad_norm']));
  });

  test.each(['critic', 'generator'])('change nothing where the losses of the %s are not finite', async (part) => {
    const { trainer, values } = make({ capture, plugins: [spoiler(part, 4)] });
    await trainer.train({ maxIterations: 4 });
    const before = values();
    const slots = [...(await trainer.service(optimizerRef)).slots().values()].map((slot) => [...slot.dataSync()]);
    const error = await failure(trainer.train({ maxIterations: 5 }));
    expect(error.message).toContain('HKL_LOSS_NOT_FINITE');
    expect(error.message).toContain(`${part}/total_loss: NaN`);
    expect(values()).toEqual(before);
    expect([...(await trainer.service(optimizerRef)).slots().values()].map((slot) => [...slot.dataSync()])).toEqual(
      slots,
    );
  });
});

it('tells each hook inside the step which part it sees', async () => {
  const seen: string[] = [];
  const watch = definePlugin({
    name: 'watch',
    version: '1.0.0',
    requires: { model: modelRef },
    setup({ hooks, model }) {
      expect([...modelVariables(model.value).keys()]).toEqual(['critic/c', 'generator/g', 'target/target']);
      hooks.batch.tap((_, part) => void seen.push(`batch ${part}`));
      hooks.losses.tap((losses, part) => void seen.push(`losses ${part} ${Object.keys(losses).join()}`));
      hooks.gradients.tap((gradients, part) => void seen.push(`gradients ${part} ${Object.keys(gradients).join()}`));
      hooks.update.tap((_, part) => void seen.push(`update ${part}`));
      hooks.afterUpdate.tap(
        (variables, part) => void seen.push(`afterUpdate ${part} ${Object.keys(variables).join()}`),
      );
    },
  });
  const { trainer } = make({ capture: 'off', maxIterations: 1, plugins: [watch()] });
  await trainer.train();
  expect(seen).toEqual([
    'batch critic',
    'losses critic real,fake',
    'gradients critic critic/c',
    'update critic',
    'afterUpdate critic critic/c',
    'batch generator',
    'losses generator total_loss',
    'gradients generator generator/g',
    'update generator',
    'afterUpdate generator generator/g',
  ]);
});

it('plugins of the trainer take all parts: one schedule for all rates, freezing by name, one guard', async () => {
  const { trainer, latest, values } = make({
    plugins: [
      lrScheduler({ schedule: { type: 'cosine' } }),
      freeze({ rules: [{ names: 'generator/*' }] }),
      anomalyGuard({ gradients: 'skip' }),
    ],
  });
  await trainer.prepare();
  const [before] = values();
  await trainer.train();
  expect(values()[0]).toBe(before);
  const found = latest();
  expect(found['generator/lr']).toBeCloseTo(5 * (found['critic/lr'] as number), 12);
  expect(found['critic/nonfinite_gradients']).toBe(0);
});

it('a plugin that knows one model only says so before the first step, and how it is listed', async () => {
  const refusing = [
    [ema(), 'HKL_PARTS_UNSUPPORTED', "forPart('generator', ema("],
    [gradientAccumulation({ steps: 2 }), 'HKL_PARTS_UNSUPPORTED', 'forPart('],
    [lossScaling(), 'HKL_PARTS_UNSUPPORTED', 'bfloat16'],
    [forPart('critic', anomalyGuard()), 'HKL_PARTS_UNSUPPORTED', 'without forPart'],
    [forPart('generater', ema()), 'HKL_PART_UNKNOWN', 'Did you mean "generator"?'],
  ] as const;
  for (const [plugin, code, fix] of refusing) {
    const { trainer } = make({ plugins: [plugin] });
    const error = await failure(trainer.train());
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(fix);
    expect(trainer.iteration).toBe(0);
  }
});

it('refuses parts that cannot take turns', async () => {
  const c = matrix(1, 1);
  const part = { model: { c }, losses: () => tf.scalar(0), optimizer: (of: never) => sgd(of, { learningRate: 1 }) };
  const refused = (parts: Record<string, unknown>) =>
    failure(Promise.resolve().then(() => alternatingModel(parts as never)));
  expect((await refused({ a: { ...part, period: 2 } })).message).toContain(
    'there are iterations in which no part is updated',
  );
  expect((await refused({ a: { ...part, period: 0 } })).message).toContain('period is 0');
  expect((await refused({ a: { ...part, optimiser: 1 } })).message).toContain('Did you mean "optimizer"?');
  expect((await refused({ 'a/b': part })).message).toContain('cannot name a part');
  expect((await refused({ a: { losses: part.losses, optimizer: part.optimizer } })).message).toContain('no model');
  expect((await refused({ a: { model: { c }, losses: part.losses } })).message).toContain('no optimizer');
  const one = make({ optimizer: (model) => sgd(model, { learningRate: 1 }) });
  expect((await failure(one.trainer.train())).message).toContain('give each part of alternatingModel its own');
});

it.each(['baseLr=0.1', 'epsilon=0.1', 'nesterov=true', 'weightDecayBias=0', 'backboneLrFactor=0.5'])(
  'refuses the config key solver.%s, which has no effect on parts',
  (override) => {
    const config = defineConfig().resolve([`solver.${override}`]);
    const model = { parts: new Map([['critic', {}]]) } as never;
    expect(() => buildOptimizer(config, model)).toThrow(
      `[HKL_CONFIG_PARTS] config key solver.${override.split('=')[0]}:`,
    );
  },
);
