import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PluginInput, TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, saveAt, tinyTraining, weightsOf } from '@hookline/testing';
import {
  adam,
  functionModel,
  lamb,
  layersModel,
  modelVariables,
  type Optimizer,
  optimizerRef,
  sgd,
  selectDevice,
  tf,
  tfjsOptimizer,
  tfjsRuntime,
  type TrainableModel,
  watchableBatchNorm,
} from '@hookline/tfjs';
import { freeze } from './plugin.ts';

beforeAll(() => selectDevice('auto'));

/** Two dense layers with batch norm between them; the first has a norm constraint that its weights do not satisfy. */
function net(): tf.LayersModel {
  const { dense, batchNormalization } = tf.layers;
  return tf.sequential({
    layers: [
      dense({ name: 'first', units: 3, inputShape: [3], kernelConstraint: tf.constraints.maxNorm({ maxValue: 0.1 }) }),
      batchNormalization({ name: 'norm', movingVarianceInitializer: tf.initializers.constant({ value: 4 }) }),
      dense({ name: 'last', units: 1 }),
    ],
  });
}

function* batches() {
  for (let batch = 0; ; batch++) {
    const x = Float32Array.from({ length: 12 }, (_, k) => 3 + 5 * Math.sin(batch * 12 + k * 1.7));
    yield { x: { data: x, shape: [4, 3] }, y: { data: Float32Array.of(1, 2, 3, 4), shape: [4, 1] } };
  }
}

interface Options {
  readonly plugins: readonly PluginInput[];
  readonly capture?: 'off' | 'required';
  readonly maxIterations?: number;
  readonly optimizer?: (model: TrainableModel) => Optimizer;
  readonly output?: string;
  readonly model?: () => TrainableModel;
}

function training({ plugins, capture = 'off', maxIterations = 6, optimizer, output, model }: Options) {
  const made: TrainableModel[] = [];
  const runtime = tfjsRuntime({
    model: () => {
      const built =
        model?.() ??
        layersModel<{ x: tf.Tensor; y: tf.Tensor }>(net(), {
          loss: (out, { y }) => tf.losses.meanSquaredError(y, out).asScalar(),
        });
      made.push(built);
      return built;
    },
    optimizer: optimizer ?? ((of) => adam(of, { learningRate: 0.01, weightDecay: 0.1 })),
    data: batches,
    capture,
  });
  const logger = new RecordingLogger();
  const trainer = new TrainerBase({
    maxIterations,
    seed: 4,
    logger,
    ...(output === undefined ? {} : { output }),
    services: runtime.services,
    plugins: [...runtime.plugins, ...plugins],
  });
  return { trainer, logger, made };
}

async function valuesOf(trainer: TrainerBase, model: TrainableModel): Promise<Record<string, string>> {
  const optimizer = await trainer.service(optimizerRef);
  const all = [
    ...modelVariables(model),
    ...[...optimizer.slots()].map(([name, each]) => [`slot ${name}`, each] as const),
  ];
  return Object.fromEntries(all.map(([name, variable]) => [name, [...variable.dataSync()].join()]));
}

const FIRST = { rules: [{ names: ['first/*', 'norm/*'], until: 4 }] };

describe.each(['off', 'required'] as const)('freeze, capture %s', (capture) => {
  // Only native TensorFlow runs graphs.
  const isSkipped = () => capture === 'required' && tf.getBackend() !== 'tensorflow';

  it('keeps weights, slots, statistics and what is constrained as they are, to the bit, and lets go of them', async () => {
    if (isSkipped()) skipTest('captured steps need native TensorFlow');
    const { trainer, made } = training({ plugins: [freeze(FIRST)], capture });
    await trainer.prepare();
    const [model] = made as [TrainableModel];
    const before = await valuesOf(trainer, model);
    await trainer.train({ maxIterations: 4 });
    const frozen = await valuesOf(trainer, model);
    const changed = Object.keys(before).filter((name) => before[name] !== frozen[name]);
    expect(changed.sort()).toEqual([
      'last/bias',
      'last/kernel',
      ...['beta1_power', 'beta2_power', 'm/last/bias', 'm/last/kernel', 'v/last/bias', 'v/last/kernel'].map(
        (name) => `slot ${name}`,
      ),
    ]);
    await trainer.train({ maxIterations: 5 });
    const after = await valuesOf(trainer, model);
    expect(Object.keys(after).filter((name) => after[name] === frozen[name])).toEqual([]);
    await trainer.dispose();
  });

  it.each([
    ['adam', (of: TrainableModel) => adam(of, { learningRate: 0.01 })],
    ['lamb', (of: TrainableModel) => lamb(of, { learningRate: 0.01, weightDecay: 0 })],
  ])('%s moves what was frozen no faster than at its own first step', async (_, optimizer) => {
    if (isSkipped()) skipTest('captured steps need native TensorFlow');
    const rules = [{ names: 'w', until: 20 }];
    const model = () => {
      const [w, v] = [tf.variable(tf.fill([4], 2)), tf.variable(tf.fill([4], 2))];
      return functionModel({ variables: { w, v }, losses: () => w.add(v).square().mean().asScalar() });
    };
    const { trainer, made } = training({ plugins: [freeze({ rules })], capture, optimizer, model });
    await trainer.train({ maxIterations: 20 });
    const values = (name: string) => (made[0] as TrainableModel).trainable().get(name)?.dataSync()[0] as number;
    expect(values('w')).toBe(2);
    const before = values('w');
    await trainer.train({ maxIterations: 21 });
    // The first step of Adam is its learning rate, and of LAMB that times the norm of the weights.
    const size = optimizer(made[0] as TrainableModel).name === 'adam' ? 0.01 : 0.02;
    expect((before - values('w')) / size).toBeCloseTo(1, 2);
    await trainer.dispose();
  });

  it('is exact on resume, before and after it lets go', async () => {
    if (isSkipped()) skipTest('captured steps need native TensorFlow');
    const folder = temporaryFolder();
    const whole = training({ plugins: [freeze(FIRST)], capture, maxIterations: 8 });
    await whole.trainer.train();
    const expected = await valuesOf(whole.trainer, whole.made[0] as TrainableModel);
    await whole.trainer.dispose();
    for (const at of [2, 6]) {
      const output = join(folder, String(at));
      const begun = training({ plugins: [freeze(FIRST), saveAt(at - 1)], capture, maxIterations: at, output });
      await begun.trainer.train();
      await begun.trainer.dispose();
      const resumed = training({ plugins: [freeze(FIRST)], capture, maxIterations: 8, output });
      await resumed.trainer.load(join(output, 'mid.safetensors'));
      await resumed.trainer.train();
      expect(await valuesOf(resumed.trainer, resumed.made[0] as TrainableModel)).toEqual(expected);
      await resumed.trainer.dispose();
    }
  });
});

describe('what is told and refused', () => {
  const losses = () => tf.scalar(0);

  it('has the name and version of its package', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(freeze.definition).toMatchObject({ name, version });
  });

  it.each([
    [{ names: 'frist/*' }, 'HKL_FREEZE_NAMES'],
    [{ names: ['norm/moving_mean'] }, 'HKL_FREEZE_NORM'],
    [{ names: '*' }, 'HKL_FREEZE_ALL'],
    [{ names: 'first/*', until: 0 }, 'HKL_OPTION_INVALID'],
    [{ name: 'first/*' }, 'HKL_OPTION_INVALID'],
  ])('rules that make no sense: %p', async (rule, code) => {
    const { trainer } = training({ plugins: [freeze({ rules: [rule as never] })] });
    await expect(trainer.train()).rejects.toThrow(code);
    await trainer.dispose();
  });

  it('a variable that the model assigns all the same', async () => {
    const [w, count] = [tf.variable(tf.scalar(1)), tf.variable(tf.scalar(0), false)];
    const model = () =>
      functionModel({
        variables: { w, count },
        losses: () => {
          count.assign(count.add(1));
          return w.square();
        },
      });
    const { trainer } = training({ plugins: [freeze({ rules: [{ names: 'count' }] })], model });
    await expect(trainer.train()).rejects.toThrow('"count" has changed though it is frozen');
    await trainer.dispose();
  });

  it('a batch norm that cannot stand still', async () => {
    const [w, mean, variance] = [true, false, false].map((isTrained) => tf.variable(tf.ones([1]), isTrained));
    const { freeze: _, ...norm } = watchableBatchNorm({ name: 'norm', mean: mean!, variance: variance! });
    const variables = { w: w!, mean: mean!, variance: variance! };
    const model = () => functionModel({ variables, batchNorms: [norm], losses });
    const { trainer } = training({ plugins: [freeze({ rules: [{ names: ['mean', 'variance'] }] })], model });
    await expect(trainer.train()).rejects.toThrow('the batch norm "norm" cannot be frozen');
    await trainer.dispose();
  });

  it('an optimizer of tfjs that would move it too fast, and an end before it moves', async () => {
    const { trainer, logger } = training({
      plugins: [freeze({ rules: [{ names: 'first/*', until: 9 }] })],
      optimizer: (of) => tfjsOptimizer(of, tf.train.adam(0.01)),
    });
    await trainer.train();
    const text = logger.lines.join('\n');
    expect(text).toContain('moves several times too fast');
    expect(text).toContain('2 weights are frozen until iteration 9, and the training ends at 6');
    await trainer.dispose();
  });

  it('says when it lets go', async () => {
    const { trainer, logger } = training({
      plugins: [freeze(FIRST)],
      optimizer: (of) => sgd(of, { learningRate: 0.01 }),
    });
    await trainer.train();
    const said = logger.lines.filter((line) => line.includes('not frozen any more'));
    expect(said).toEqual(['4 weights are not frozen any more, from iteration 4 on']);
    await trainer.dispose();
  });
});

it('keeps the contract of plugins', () =>
  checkPluginContract({
    plugin: () => freeze({ rules: [{ names: 'linear/bias', until: 2 }] }),
    trainer: tinyTraining,
    // Long enough that steps of both kinds are captured.
    iterations: 9,
    observe: weightsOf,
  }));
