import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { functionModel } from '../model/function-model.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import type { Optimizer } from '../parameters/optimizer.ts';
import { sgd, type SgdOptions } from './sgd.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

const START = [0.5, -1.25, 2];
const gradientAt = (step: number): number[] => [0.1 * step + 0.3, -0.7, Math.cos(step)];

function train(
  make: (model: ReturnType<typeof modelOf>) => Optimizer,
  steps: number,
  rate?: (i: number) => number,
): number[] {
  const model = modelOf();
  const optimizer = make(model);
  const scope = new RunnerScope();
  for (const input of optimizer.inputs) scope.adopt(input);
  for (let i = 0; i < steps; i++) {
    if (rate !== undefined) optimizer.learningRate = rate(i);
    scope.run(i, () => tf.tidy(() => optimizer.apply({ w: tf.tensor(gradientAt(i)) }, model.trainable())));
  }
  return [...model.trainable().get('w')!.dataSync()];
}

function modelOf() {
  return functionModel({ variables: { w: tf.variable(tf.tensor(START)) }, losses: () => tf.scalar(0) });
}

/** g += λp; b = μb + g; d = g + μb with Nesterov, else b; p -= lr·d, in double precision. */
function reference(
  { learningRate, momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions,
  steps: number,
  rate?: (i: number) => number,
): number[] {
  return START.map((start, k) => {
    let p = start;
    let b = 0;
    for (let i = 0; i < steps; i++) {
      const g = gradientAt(i)[k]! + weightDecay * p;
      b = momentum * b + g;
      const d = nesterov ? g + momentum * b : b;
      p -= (rate?.(i) ?? learningRate) * d;
    }
    return p;
  });
}

it.each<[string, SgdOptions]>([
  ['plain', { learningRate: 0.1 }],
  ['weight decay', { learningRate: 0.1, weightDecay: 0.01 }],
  ['momentum', { learningRate: 0.05, momentum: 0.9 }],
  ['momentum and weight decay', { learningRate: 0.05, momentum: 0.9, weightDecay: 0.1 }],
  ['Nesterov and weight decay', { learningRate: 0.02, momentum: 0.8, nesterov: true, weightDecay: 0.05 }],
])('follows its formula: %s', (_, options) => {
  const expected = reference(options, 25);
  train((model) => sgd(model, options), 25).forEach((value, k) => expect(value).toBeCloseTo(expected[k]!, 5));
});

it('gives hand-computed numbers for two Nesterov steps', () => {
  // p=0.5, g0=0.3, g1=0.4: b=0.3, d=0.3+0.9·0.3=0.57, p=0.443; b=0.67, d=0.4+0.603=1.003, p=0.3427
  const [first] = train((model) => sgd(model, { learningRate: 0.1, momentum: 0.9, nesterov: true }), 2);
  expect(first).toBeCloseTo(0.3427, 6);
});

it('reads the learning rate at every step', () => {
  const rate = (i: number): number => 0.1 / (i + 1);
  const options = { learningRate: 1, momentum: 0.9 };
  const expected = reference(options, 10, rate);
  train((model) => sgd(model, options), 10, rate).forEach((value, k) => expect(value).toBeCloseTo(expected[k]!, 5));
});

it('multiplies the learning rate by the factor of the group', () => {
  const [plain] = train((model) => sgd(model, { learningRate: 0.2 }), 1);
  const [factored] = train((model) => sgd(model, { learningRate: 0.4, lrFactor: () => 0.5 }), 1);
  expect(factored).toBe(plain);
});

it('does not change a parameter without a gradient, with or without weight decay', () => {
  const model = modelOf();
  const optimizer = sgd(model, { learningRate: 0.1, momentum: 0.9, weightDecay: 0.5 });
  const scope = new RunnerScope();
  for (const input of optimizer.inputs) scope.adopt(input);
  scope.run(0, () => optimizer.apply({}, model.trainable()));
  expect([...model.trainable().get('w')!.dataSync()]).toEqual(START);
});

it('has slots only with momentum', () => {
  expect([...sgd(modelOf(), { learningRate: 1 }).slots().keys()]).toEqual([]);
  expect([...sgd(modelOf(), { learningRate: 1, momentum: 0.9 }).slots().keys()]).toEqual(['momentum/w']);
});

it.each([
  [{ learningRate: Number.NaN }, 'learningRate is NaN'],
  [{ learningRate: 0.1, momentum: -1 }, 'momentum is -1'],
  [{ learningRate: 0.1, nesterov: true }, 'nesterov needs momentum'],
  [{ learningRate: 0.1, weightDecay: -1 }, 'weightDecay of "w" is -1'],
])('refuses %p', (options, message) => {
  expect(() => sgd(modelOf(), options)).toThrow(message);
});

it('refuses to set a learning rate that is no number', () => {
  const optimizer = sgd(modelOf(), { learningRate: 0.1 });
  expect(() => (optimizer.learningRate = Number.NaN)).toThrow('HKL_OPTIMIZER_OPTION');
});
