import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { functionModel } from '../model/function-model.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { adam, adamW, type AdamOptions } from './adam.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

const START = [0.5, -1.25, 2];
const gradientAt = (step: number): number[] => [0.1 * step + 0.3, -0.7, Math.cos(step)];

function train(make: typeof adam, options: AdamOptions, steps: number): number[] {
  const model = functionModel({ variables: { w: tf.variable(tf.tensor(START)) }, losses: () => tf.scalar(0) });
  const optimizer = make(model, options);
  const scope = new RunnerScope();
  for (const input of optimizer.inputs) scope.adopt(input);
  for (let i = 0; i < steps; i++) {
    scope.run(i, () => tf.tidy(() => optimizer.apply({ w: tf.tensor(gradientAt(i)) }, model.trainable())));
  }
  return [...model.trainable().get('w')!.dataSync()];
}

/** The papers' formulas in double precision, with bias corrections computed by powers. */
function reference(options: AdamOptions, decoupled: boolean, steps: number): number[] {
  const { learningRate: lr, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
  return START.map((start, k) => {
    let [p, m, v] = [start, 0, 0];
    for (let t = 1; t <= steps; t++) {
      let g = gradientAt(t - 1)[k]!;
      if (decoupled) p *= 1 - lr * weightDecay;
      else g += weightDecay * p;
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      p -= (lr * (m / (1 - beta1 ** t))) / (Math.sqrt(v / (1 - beta2 ** t)) + epsilon);
    }
    return p;
  });
}

it.each<[string, typeof adam, AdamOptions]>([
  ['Adam', adam, { learningRate: 0.01 }],
  ['Adam with other betas', adam, { learningRate: 0.02, beta1: 0.5, beta2: 0.9, epsilon: 0.1 }],
  ['Adam with L2', adam, { learningRate: 0.01, weightDecay: 0.3 }],
  ['AdamW', adamW, { learningRate: 0.01, weightDecay: 0.3 }],
])('follows its formula: %s', (_, make, options) => {
  for (const steps of [1, 2, 60]) {
    const expected = reference(options, make === adamW, steps);
    train(make, options, steps).forEach((value, k) => expect(value).toBeCloseTo(expected[k]!, 4));
  }
});

it('makes a first step of the size of the learning rate, against the gradient', () => {
  // With bias correction, m/√v is ±1 at t = 1 for any gradient.
  const after = train(adam, { learningRate: 0.01 }, 1);
  [-1, 1, -1].forEach((sign, k) => expect(after[k]! - START[k]!).toBeCloseTo(sign * 0.01, 6));
});

it('has a default weight decay of 0.01 in AdamW', () => {
  expect(train(adamW, { learningRate: 0.1 }, 5)).toEqual(train(adamW, { learningRate: 0.1, weightDecay: 0.01 }, 5));
  expect(train(adamW, { learningRate: 0.1 }, 5)).not.toEqual(train(adam, { learningRate: 0.1 }, 5));
});

it('keeps the powers of beta as state', () => {
  const model = functionModel({ variables: { w: tf.variable(tf.tensor(START)) }, losses: () => tf.scalar(0) });
  expect([...adam(model, { learningRate: 1 }).slots().keys()]).toEqual(['m/w', 'v/w', 'beta1_power', 'beta2_power']);
});

it.each([
  [{ learningRate: 0.1, beta1: 1 }, 'beta1 is 1'],
  [{ learningRate: 0.1, beta2: -0.1 }, 'beta2 is -0.1'],
  [{ learningRate: 0.1, epsilon: Number.NaN }, 'epsilon is NaN'],
])('refuses %p', (options, message) => {
  const model = functionModel({ variables: { w: tf.variable(tf.tensor(START)) }, losses: () => tf.scalar(0) });
  expect(() => adam(model, options)).toThrow(message);
});
