import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { functionModel } from '../model/function-model.ts';
import { at, bitsOf, rig } from './step-fixture.test.support.ts';
import { RunnerScope } from '../scope/runner-scope.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

/** Records the gradient that the loss sends back. */
function watched() {
  const w = tf.variable(tf.tensor1d([3, -0.5]));
  const back: number[] = [];
  const watch = tf.customGrad((x) => ({
    value: (x as tf.Tensor).clone(),
    gradFunc: (dy: tf.Tensor) => {
      back.push(...dy.dataSync());
      return dy.clone();
    },
  }));
  const model = functionModel({
    variables: { w },
    losses: () => ({ loss_a: watch(w.square().sum()).asScalar(), loss_b: w.sum().asScalar() }),
  });
  return { model, back };
}

const scaled = (scale: number, seen: number[] = []) => {
  const { model, back } = watched();
  const one = rig({
    model,
    tap: (hooks, scope) => {
      const s = scope.input('scale', () => scale);
      scope.scaleLoss(() => s.tensor());
      hooks.byName.gradients.facade('p').tap((gradients) => {
        seen.push(...gradients['w']!.dataSync());
        return gradients;
      });
    },
  });
  return { one, back };
};

it('scales the gradient of the loss, but neither the losses nor the gradients that taps see', async () => {
  const seen: number[] = [];
  const { one, back } = scaled(1024, seen);
  const { losses, totalLoss } = await one.runner.run(at(0));
  expect(back).toEqual([1024]);
  expect(seen).toEqual([7, 0]);
  expect(losses).toEqual({ loss_a: 9.25, loss_b: 2.5 });
  expect(totalLoss).toBe(11.75);
});

it('is exact for powers of two, and within rounding for others', async () => {
  const train = async (scale: number | undefined) => {
    const one = rig({
      tap: (_, scope) => {
        if (scale === undefined) return;
        const kept = scope.variable('scale', tf.scalar(scale)) as tf.Variable<tf.Rank.R0>;
        scope.scaleLoss(() => kept);
      },
    });
    const losses = await one.steps(0, 40);
    return { losses, bits: Object.entries(await bitsOf(one)).filter(([name]) => !name.startsWith('scope/')) };
  };
  const plain = await train(undefined);
  expect(await train(65536)).toEqual(plain);
  expect(await train(2 ** -20)).toEqual(plain);
  const odd = await train(3);
  expect(odd).not.toEqual(plain);
  odd.losses.forEach((loss, i) => expect(loss).toBeCloseTo(plain.losses[i] as number, 5));
});

it('does not affect the checked loss; gradients that it makes infinite fail the step', async () => {
  const { one } = scaled(2 ** 126);
  const step = async () => one.runner.run(at(0));
  await expect(step()).rejects.toThrow(/HKL_GRADIENT_NOT_FINITE.*though the loss is 11\.75/);
});

it('leaves no tensor behind', async () => {
  const { one } = scaled(8);
  await one.runner.run(at(0));
  const { numTensors } = tf.memory();
  for (let i = 1; i < 20; i++) await one.runner.run(at(i));
  expect(tf.memory().numTensors).toBe(numTensors);
});

it('is unique until its plugin is torn down', () => {
  const scope = new RunnerScope();
  scope.scaleLoss(() => tf.scalar(1));
  expect(() => scope.scaleLoss(() => tf.scalar(2))).toThrow('HKL_STEP_NAME_TAKEN');
  scope.release();
  expect(scope.lossScale).toBeUndefined();
  scope.scaleLoss(() => tf.scalar(2));
});
