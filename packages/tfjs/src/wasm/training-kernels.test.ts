import tf from '#tfjs';
import { findNativeRuntime } from '@hookline/native-runtime';
import { selectDevice } from '../device/select-device.ts';
import { elementwiseCases } from './elementwise-cases.test.fixture.ts';
import type { GradientCase } from './gradient-case.test.fixture.ts';
import { networkCases } from './network-cases.test.fixture.ts';
import { registerWasmTrainingKernels } from './register-training-kernels.ts';

const hasNative = findNativeRuntime().runtime !== undefined;
// Skipped without the native backend, the reference; `npx hookline setup` installs it.
const compare = hasNative ? it : it.skip;

/** Largest difference relative to the largest value of the reference. */
function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [difference, scale] = [0, 1e-6];
  for (let index = 0; index < expected.length; index++) {
    const [a, e] = [actual[index] ?? Number.NaN, expected[index] ?? Number.NaN];
    if (Number.isNaN(a) || Number.isNaN(e)) return Number.NaN;
    difference = Math.max(difference, Math.abs(a - e));
    scale = Math.max(scale, Math.abs(e));
  }
  return difference / scale;
}

interface Outcome {
  readonly shape: number[];
  readonly values: ArrayLike<number>;
}

/** The value and gradients of a case on the active backend, from the same inputs for every backend. */
async function evaluate({ inputs, run }: GradientCase): Promise<Outcome[]> {
  const tensors = tf.tidy(() => {
    const leaves = inputs.map(({ values, shape }) => tf.tensor(values, shape));
    const weigh = (y: tf.Tensor) => tf.sum(tf.mul(y, tf.reshape(tf.cos(tf.range(0, y.size, 1)), y.shape))).asScalar();
    return [run(...leaves), ...tf.grads((...x: tf.Tensor[]) => weigh(run(...x)))(leaves)];
  });
  const outcomes: Outcome[] = [];
  for (const tensor of tensors) outcomes.push({ shape: tensor.shape, values: await tensor.data() });
  tf.dispose(tensors);
  return outcomes;
}

describe('training kernels of the wasm backend', () => {
  it('are registered once, for wasm only', async () => {
    await selectDevice('wasm');
    const before = tf.getKernel('BatchMatMul', 'wasm');
    const cpu = tf.getKernel('BatchMatMul', 'cpu');
    registerWasmTrainingKernels();
    expect(tf.getKernel('BatchMatMul', 'wasm')).toBe(before);
    expect(tf.getKernel('BatchMatMul', 'cpu')).toBe(cpu);
    expect(tf.getKernel('Conv2DBackpropFilter', 'wasm')).toBeDefined();
  });

  compare.each([...elementwiseCases, ...networkCases])(
    '$name: value and gradients equal those of native TensorFlow (needs the native runtime)',
    async (testCase) => {
      await selectDevice('wasm');
      const tensors = tf.memory().numTensors;
      const actual = await evaluate(testCase);
      expect(tf.memory().numTensors).toBe(tensors);
      await selectDevice('cpu');
      const expected = await evaluate({ ...testCase, run: testCase.reference ?? testCase.run });
      expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
      for (const [index, { values }] of expected.entries()) {
        expect(relativeError(actual[index]?.values ?? [], values)).toBeLessThan(testCase.tolerance ?? 1e-5);
      }
    },
  );

  it.each<[string, (x: tf.Tensor) => tf.Tensor]>([
    ['clipByValue', (x) => x.clipByValue(-1, 2)],
    ['relu', (x) => x.relu()],
    ['relu6', (x) => x.relu6()],
    ['hard sigmoid', (x) => tf.layers.activation({ activation: 'hardSigmoid' }).apply(x) as tf.Tensor],
    ['maximum of it and a number', (x) => tf.maximum(x, 0)],
    ['maximum of a number and it', (x) => tf.maximum(0, x)],
    ['minimum of it and a number', (x) => tf.minimum(x, 0)],
    ['minimum of a number and it', (x) => tf.minimum(0, x)],
    ['maximum of rows and it', (x) => tf.maximum(tf.ones([3, 4]), x)],
    ['minimum of it and rows', (x) => tf.minimum(x, tf.fill([3, 4], NaN).mul(x))],
    ['max', (x) => x.max()],
    ['max of rows', (x) => tf.stack([x, x.reverse()]).max(0)],
    ['min', (x) => x.min()],
    ['leakyRelu', (x) => x.leakyRelu(0.1)],
  ])('%s of NaN is NaN, as it is in native TensorFlow', async (_, run) => {
    await selectDevice('wasm');
    const tensors = tf.memory().numTensors;
    const values = tf.tidy(() => [...run(tf.tensor1d([3, Number.NaN, -Infinity, Infinity])).dataSync()]);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(values).toContainEqual(Number.NaN);
    if (!hasNative) skipTest('there is no native TensorFlow to compare with');
    await selectDevice('cpu');
    expect(values).toEqual(tf.tidy(() => [...run(tf.tensor1d([3, Number.NaN, -Infinity, Infinity])).dataSync()]));
  });
});
