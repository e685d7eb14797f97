import * as tf from '@tensorflow/tfjs';
import { findNativeRuntime } from '../runtime/native-runtime.ts';
import { selectDevice } from '../device/select-device.ts';
import { elementwiseCases } from './elementwise-cases.test.fixture.ts';
import type { GradientCase } from './gradient-case.test.fixture.ts';
import { networkCases } from './network-cases.test.fixture.ts';
import { registerWasmTrainingKernels } from './register-training-kernels.ts';

const hasNative = findNativeRuntime().runtime !== undefined;
// Without the native backend there is nothing to compare with; `npx hookline setup` provides it.
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

/** Value and gradients of a case on the active backend, from inputs that are the same for all. */
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
  it('are registered once, for wasm alone', async () => {
    await selectDevice('wasm');
    const before = tf.getKernel('BatchMatMul', 'wasm');
    const cpu = tf.getKernel('BatchMatMul', 'cpu');
    registerWasmTrainingKernels();
    expect(tf.getKernel('BatchMatMul', 'wasm')).toBe(before);
    expect(tf.getKernel('BatchMatMul', 'cpu')).toBe(cpu);
    expect(tf.getKernel('Conv2DBackpropFilter', 'wasm')).toBeDefined();
  });

  compare.each([...elementwiseCases, ...networkCases])(
    '$name: value and gradients equal those of native TensorFlow',
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
});
