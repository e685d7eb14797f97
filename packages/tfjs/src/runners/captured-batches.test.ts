import { HookSet, HookSite, HOOK_TABLE } from '@hookline/core';
import tf from '#tfjs';
import { BatchSource } from '../batch/batch-source.ts';
import { selectDevice } from '../device/select-device.ts';
import { functionModel } from '../model/function-model.ts';
import { sgd } from '../optim/sgd.ts';
import { EagerStepRunner } from './eager-runner.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { TrainStep } from '../step/train-step.ts';
import { CapturedStepRunner } from './captured-runner.ts';
import { asNativeBackend } from '../device/native-backend.ts';

beforeAll(() => selectDevice('auto'));

const x = (): tf.Tensor => tf.tensor([1, 2, 3], [3]);
/** Batches with every container and dtype that a loader may return. The model learns from `x`. */
const BATCHES = {
  strings: () => ({ x: x(), names: tf.tensor(['a', 'b', 'c']) }),
  map: () => new Map([['x', x()]]),
  set: () => ({ x: x(), all: new Set([tf.ones([2])]) }),
  'map within an object': () => ({ inner: new Map([['x', x()]]), y: tf.scalar(1) }),
  complex: () => ({ x: x(), wave: tf.complex([1, 2], [3, 4]) }),
  'complex that is used': () => ({ wave: tf.complex([1, 2, 3], [3, 4, 5]) }),
  'nested arrays': () => [[x(), [tf.ones([2]), [tf.zeros([1])]]], { more: [x()] }],
  'typed arrays': () => ({
    x: Float32Array.of(1, 2, 3),
    y: Int32Array.of(1),
    z: { data: Uint8Array.of(1), shape: [1] },
  }),
  bool: () => ({
    x: x(),
    mask: tf.tensor([1, 0, 1], [3], 'bool'),
    host: { data: Uint8Array.of(1), shape: [1], dtype: 'bool' },
  }),
};

function findX(batch: unknown): tf.Tensor {
  if (batch instanceof Map) return batch.get('x') as tf.Tensor;
  if (Array.isArray(batch)) return findX(batch[0] as unknown);
  if (batch instanceof tf.Tensor) return batch as tf.Tensor;
  const { x: found, inner, wave } = batch as { x?: tf.Tensor; inner?: unknown; wave?: tf.Tensor };
  if (found !== undefined) return found;
  return inner === undefined ? tf.real(wave as tf.Tensor) : findX(inner);
}

function setUp(make: () => unknown) {
  const weight = tf.variable(tf.ones([3]));
  const model = functionModel({
    variables: { weight },
    losses: (batch: unknown) => tf.mean(tf.square(tf.mul(weight, findX(batch)))),
  });
  const { byName: hooks } = new HookSet('engine', HOOK_TABLE, new HookSite());
  const step = new TrainStep({ model, optimizer: sgd(model, { learningRate: 0.01 }), hooks, scope: new RunnerScope() });
  function* batches(): Generator {
    for (;;) yield make();
  }
  return { step, source: new BatchSource(batches), weight };
}

const STEPS = 200;

describe.each(Object.entries(BATCHES))('a batch of %s', (_, make) => {
  it.each(['eager', 'captured'])(`leaks no tensor in ${STEPS} steps: %s`, async (kind) => {
    const native = asNativeBackend(tf.backend());
    const { step, source } = setUp(make);
    const runner =
      kind === 'eager' || native === undefined
        ? new EagerStepRunner({ step, source })
        : new CapturedStepRunner({ step, source, capture: 'required' });
    const run = async (iteration: number): Promise<void> =>
      void (await runner.run({ iteration, startIteration: 0, maxIterations: STEPS }));
    // The first steps record, and some of these are compared with a new recording.
    for (let iteration = 0; iteration < 12; iteration++) await run(iteration);
    const count = (): unknown => {
      const { numTensors, numDataBuffers } = tf.memory();
      return { numTensors, numDataBuffers, native: native?.binding.getNumOfTensors() };
    };
    const before = count();
    for (let iteration = 12; iteration < STEPS; iteration++) await run(iteration);
    expect(count()).toEqual(before);
    await runner.close();
  });
});
