import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { bitsOf, linearBatches, linearModel, rig } from '../step/step-fixture.test.support.ts';
import { tfjsOptimizer } from './tfjs-optimizer.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

it('gives the same bits as the tfjs optimizer by itself', async () => {
  const mine = rig({ optimizer: (model) => tfjsOptimizer(model, tf.train.adam(0.01)) });
  await mine.steps(0, 12);

  const model = linearModel();
  const own = tf.train.adam(0.01);
  const batches = linearBatches() as Generator<Record<'x' | 'y', { data: Float32Array; shape: number[] }>>;
  for (let i = 0; i < 12; i++) {
    const { x, y } = batches.next().value!;
    tf.tidy(() => {
      const batch = { x: tf.tensor(x.data, x.shape), y: tf.tensor(y.data, y.shape) };
      own.minimize(() => model.losses(batch) as tf.Scalar, false, [...model.trainable().values()]);
    });
  }
  const bits = await bitsOf(mine);
  for (const [name, variable] of model.trainable()) {
    expect([...new Uint32Array(variable.dataSync().slice().buffer)]).toEqual(bits[`model/${name}`]);
  }
});

it('follows a learning rate that changes', async () => {
  for (const make of [tf.train.sgd, tf.train.adam]) {
    const still = rig({ optimizer: (model) => tfjsOptimizer(model, make(0.1)) });
    const before = await bitsOf(still);
    still.optimizer.learningRate = 0;
    await still.steps(0, 1);
    const after = await bitsOf(still);
    expect(after['model/w']).toEqual(before['model/w']);
    expect(still.optimizer.learningRate).toBe(0);
  }
});

it('keeps each slot with its parameter when one has no gradient', async () => {
  const { optimizer, model, scope } = rig({ optimizer: (of) => tfjsOptimizer(of, tf.train.momentum(0.1, 0.9)) });
  scope.run(0, () => tf.tidy(() => optimizer.apply({ bias: tf.tensor([2]) }, model.trainable())));
  expect([...optimizer.slots().get('momentum/w')!.dataSync()]).toEqual([0, 0, 0]);
  expect([...optimizer.slots().get('momentum/bias')!.dataSync()]).toEqual([2]);
});

it('refuses an optimizer whose state it does not know', () => {
  class Mine extends tf.SGDOptimizer {
    static override readonly className = 'Mine';
  }
  expect(() => tfjsOptimizer(linearModel(), new Mine(0.1))).toThrow(
    '[HKL_OPTIMIZER_UNSUPPORTED] tf.train Mine: its state cannot be saved',
  );
});

it('refuses tf.train.rmsprop with centered, which gives NaN weights', () => {
  expect(() => tfjsOptimizer(linearModel(), tf.train.rmsprop(0.01, 0.9, 0, 1e-8, true))).toThrow(
    /HKL_OPTIMIZER_UNSUPPORTED.*rmsprop\(model, \{ learningRate, centered: true \}\)/,
  );
});

it('refuses a learning rate that is no number', () => {
  const optimizer = tfjsOptimizer(linearModel(), tf.train.sgd(0.1));
  expect(() => (optimizer.learningRate = -1)).toThrow('HKL_OPTIMIZER_OPTION');
});
