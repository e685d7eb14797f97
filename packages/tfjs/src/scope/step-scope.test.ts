import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { scalarInput } from './step-input.ts';
import { RunnerScope } from './runner-scope.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

it('reads an input once per step, as one tensor, and frees it', () => {
  const scope = new RunnerScope();
  let value = 1;
  const input = scope.input('rate', () => value);
  const before = tf.memory().numTensors;
  const read = (): number =>
    scope.run(0, () => {
      const tensor = tf.tidy(() => input.tensor());
      value++;
      expect(input.tensor()).toBe(tensor);
      return tensor.dataSync()[0]!;
    });
  expect([read(), read()]).toEqual([1, 2]);
  expect(tf.memory().numTensors).toBe(before);
});

it('uses a tensor that a runner feeds, and does not dispose of it', () => {
  const scope = new RunnerScope();
  const input = scope.input('rate', () => 1);
  const fed = tf.scalar(42);
  scope.run(0, () => expect(input.tensor()).toBe(fed), new Map([['rate', fed]]));
  expect(fed.isDisposed).toBe(false);
});

it('lists the inputs of a step with the key of its random tensors', () => {
  const scope = new RunnerScope({ random: 5 });
  scope.input('rate', () => 0.25);
  const values = (iteration: number): unknown[] => {
    scope.seek(iteration);
    return [...scope.inputs()].map(([name, input]) => [name, input.dtype, input.shape, [...input.values()]]);
  };
  expect(values(0)).toEqual([
    ['random_key', 'int32', [2], [expect.any(Number), expect.any(Number)]],
    ['rate', 'float32', [], [0.25]],
  ]);
  expect(values(0)).toEqual(values(0));
  expect(values(1)).not.toEqual(values(0));
});

it('gives the same random numbers when the key is fed as when it is made', () => {
  const scope = new RunnerScope({ random: 5 });
  const draw = (feeds?: Map<string, tf.Tensor>): number[] =>
    scope.run(3, () => tf.tidy(() => [...scope.random('a').uniform([4]).dataSync()]), feeds);
  scope.seek(3);
  const key = scope.inputs().get('random_key')!;
  expect(draw(new Map([['random_key', tf.tensor(key.values(), [2], 'int32')]]))).toEqual(draw());
});

it('gives plugins a facade that cannot run steps', () => {
  const { facade, update } = new RunnerScope();
  expect(Object.keys(facade).sort()).toEqual(
    ['input', 'metric', 'random', 'scaleLoss', 'updateCondition', 'updateIf', 'variable', 'variant'].sort(),
  );
  expect(Object.isFrozen(facade)).toBe(true);
  expect(Object.getPrototypeOf(facade)).toBe(Object.prototype);
  expect(facade.updateCondition).toBeUndefined();
  update.add(tf.scalar(true, 'bool'));
  expect(facade.updateCondition?.dataSync()[0]).toBe(1);
  update.reset();
});

it('freezes variants for the step and returns a key of their combination', () => {
  const scope = new RunnerScope();
  let applies = false;
  const variant = scope.variant('applies', () => applies);
  expect(scope.variantKey()).toBe('[["applies",false]]');
  scope.run(0, () => {
    applies = true;
    expect(variant.value).toBe(false);
  });
  expect(variant.value).toBe(true);
  expect(scope.variantKey()).toBe('[["applies",true]]');
});

it('holds variables until it is disposed', () => {
  const before = tf.memory().numTensors;
  const scope = new RunnerScope();
  const given = tf.scalar(3);
  scope.variable('sum', given, { saved: false });
  scope.variable('mean', () => tf.zeros([2]).add(1));
  given.dispose();
  expect([...scope.variables()].map(([name, { variable, saved }]) => [name, [...variable.dataSync()], saved])).toEqual([
    ['sum', [3], false],
    ['mean', [1, 1], true],
  ]);
  scope.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

it('refuses a taken name, a late variable, a nested step and an input outside a step', () => {
  const scope = new RunnerScope();
  const input = scope.input('rate', () => 1);
  scope.variable('sum', () => tf.scalar(0));
  expect(() => scope.input('rate', () => 2)).toThrow(
    '[HKL_STEP_NAME_TAKEN] there is already a step input named "rate"',
  );
  expect(() => scope.input('random_key', () => 2)).toThrow('HKL_STEP_NAME_TAKEN');
  expect(() => scope.variable('sum', () => tf.scalar(0))).toThrow('HKL_STEP_NAME_TAKEN');
  scope.adopt(input);
  expect(() => scope.adopt(scalarInput('rate', () => 3))).toThrow('HKL_STEP_NAME_TAKEN');
  expect(() => scope.run(0, () => scope.variable('late', () => tf.scalar(0)))).toThrow('HKL_STEP_VARIABLE_LATE');
  expect(() => scope.run(0, () => scope.run(1, () => 0))).toThrow('HKL_STEP_NESTED');
  expect(() => input.tensor()).toThrow('HKL_OUTSIDE_STEP');
});

it('refuses an input that is not a number', () => {
  const scope = new RunnerScope();
  const input = scope.input('rate', () => undefined as unknown as number);
  expect(() => scope.run(0, () => input.tensor())).toThrow('the step input "rate" gave undefined instead of a number');
});
