import tf from '#tfjs';
import { countOps } from '../graph/graph-edit.ts';
import { asNativeBackend, type NativeBackend } from '../device/native-backend.ts';
import { Recorder } from '../recording/recorder.ts';
import { train, difference } from '../runners/train-both.test.support.ts';
import { loadNativeBackend } from '../device/load-native.ts';
import { functionModel } from '../model/function-model.ts';
import { batchNormTraining } from './batch-norm-training.ts';
import { registerKernels } from './register-kernels.ts';

beforeAll(async () => {
  await loadNativeBackend(true);
  registerKernels();
});

// This phase keeps values away from the kinks of activations.
const wave = (shape: number[], phase = 0.7): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(i * 12.9898 + phase)),
    shape,
  );
const matrix = [4, 6];
const images = [2, 6, 6, 4];
const norm = (t: tf.Tensor, gamma = wave([4], 1), beta = wave([4], 2)) =>
  batchNormTraining(t, gamma as tf.Tensor1D, beta as tf.Tensor1D, 1e-2).output;

/** Numbers without symmetries that could cancel errors. */
const weigh = (t: tf.Tensor): tf.Scalar => t.mul(tf.cos(tf.range(0, t.size)).reshape(t.shape)).sum<tf.Scalar>();

type Fn = (t: tf.Tensor) => tf.Tensor;

/** Expects the derivative of `f` with respect to its input to equal central differences. */
function expectDerivative(f: Fn, gradient: tf.Tensor, shape: number[], tolerance: number): void {
  const values = wave(shape).dataSync();
  const expected = gradient.dataSync();
  const places = Math.min(values.length, 24);
  for (let nth = 0; nth < places; nth++) {
    const place = Math.floor((nth * values.length) / places);
    const at = (step: number) =>
      tf.tidy(() => {
        const moved = values.slice();
        moved[place] = (moved[place] as number) + step;
        return weigh(f(tf.tensor(moved, shape))).dataSync()[0] as number;
      });
    const slope = (at(4e-3) - at(-4e-3)) / 8e-3;
    expect(Math.abs(slope - (expected[place] as number)) / Math.max(1, Math.abs(slope))).toBeLessThan(tolerance);
  }
}

const SECOND: Record<string, readonly [number[], Fn]> = {
  'batch norm by its input': [images, (t) => norm(t)],
  'batch norm by its scale': [[4], (t) => norm(wave(images), t.square())],
  'batch norm of vectors': [[5, 4], (t) => norm(t)],
  relu: [matrix, (t) => t.relu().mul(t)],
  relu6: [matrix, (t) => tf.relu6(t).mul(t)],
  leakyRelu: [matrix, (t) => tf.leakyRelu(t, 0.1).mul(t)],
  selu: [matrix, (t) => tf.selu(t)],
  elu: [matrix, (t) => tf.elu(t)],
  prelu: [matrix, (t) => tf.prelu(t, tf.scalar(0.2)).mul(t)],
  sigmoid: [matrix, (t) => t.sigmoid()],
  swish: [matrix, (t) => t.sigmoid().mul(t)],
  tanh: [matrix, (t) => t.tanh()],
  exp: [matrix, (t) => t.exp()],
  softmax: [matrix, (t) => t.softmax()],
  logSoftmax: [matrix, (t) => t.logSoftmax()],
  maximum: [matrix, (t) => t.square().max(1).mul(t.square().min())],
  where: [matrix, (t) => tf.where(t.greaterEqual(0.05), t.square(), t.mul(3))],
  gather: [matrix, (t) => t.square().gather(tf.tensor1d([2, 0, 2], 'int32'))],
  maxPool: [images, (t) => tf.maxPool(t.square() as tf.Tensor4D, 2, 2, 'same')],
  avgPool: [images, (t) => tf.avgPool(t.square() as tf.Tensor4D, 3, 2, 'same')],
  resizing: [images, (t) => tf.image.resizeBilinear(t.square() as tf.Tensor4D, [9, 7])],
  nearest: [images, (t) => tf.image.resizeNearestNeighbor(t.square() as tf.Tensor4D, [9, 7])],
  'a depthwise convolution': [
    images,
    (t) => tf.depthwiseConv2d(t.square() as tf.Tensor4D, wave([3, 3, 4, 2]) as tf.Tensor4D, 1, 'same'),
  ],
  'a convolution by its filter': [
    [3, 3, 4, 2],
    (t) => tf.conv2d(wave(images) as tf.Tensor4D, t.square() as tf.Tensor4D, 1, 'same'),
  ],
  'sums and means': [matrix, (t) => t.square().mean(1).mul(t.square().sum(0).mean())],
  tiles: [matrix, (t) => t.square().tile([2, 3])],
};

it.each(Object.entries(SECOND))('the second derivative of %s agrees with differences', (_, [shape, f]) => {
  const first = tf.grad((t) => weigh(f(t)));
  expectDerivative(f, first(wave(shape)), shape, 5e-3);
  expectDerivative(first, tf.grad((t) => weigh(first(t)))(wave(shape)), shape, 2e-2);
});

const FIRST: Record<string, readonly [number[], Fn]> = {
  'tile along each axis': [[2, 3, 2, 2], (t) => t.square().tile([2, 1, 3, 2])],
  'tile of single elements': [[1, 1, 1, 3], (t) => t.square().tile([2, 4, 3, 1])],
  'tile of five axes': [[1, 2, 1, 2, 1], (t) => t.square().tile([2, 1, 3, 2, 2])],
  'cumsum along the first axis': [[4, 4], (t) => t.square().cumsum(0, true)],
  'reflected padding': [
    [4, 5],
    (t) =>
      tf.mirrorPad(
        t.square(),
        [
          [1, 3],
          [2, 0],
        ],
        'reflect',
      ),
  ],
  'symmetric padding': [
    [4, 5],
    (t) =>
      tf.mirrorPad(
        t.square(),
        [
          [1, 4],
          [2, 0],
        ],
        'symmetric',
      ),
  ],
  gatherND: [matrix, (t) => tf.gatherND(t.square(), tf.tensor2d([1, 2, 1, 2, 0, 5], [3, 2], 'int32'))],
  scatterND: [[3], (t) => tf.scatterND(tf.tensor2d([1, 3, 1], [3, 1], 'int32'), t.square(), [5])],
};

it.each(Object.entries(FIRST))('the gradient of %s agrees with differences', (_, [shape, f]) => {
  expectDerivative(f, tf.grad((t) => weigh(f(t)))(wave(shape)), shape, 5e-3);
});

const opsOf = (f: () => tf.Tensor): number => {
  const recorder = new Recorder(asNativeBackend(tf.backend()) as NativeBackend);
  recorder.start({ inputs: new Map(), variables: new Map() });
  try {
    return [...countOps(recorder.finish(new Map([['y', f()]]))).values()].reduce((sum, count) => sum + count, 0);
  } finally {
    recorder.stop();
  }
};

it('the gradient of a layer normalisation has as many ops for large inputs as for small ones', () => {
  const layer = tf.layers.layerNormalization({ axis: -1 });
  const ops = (rows: number) => opsOf(() => tf.grad((t) => weigh(layer.apply(t) as tf.Tensor))(wave([rows, 5, 8])));
  layer.apply(wave([2, 5, 8]));
  expect(ops(64)).toBe(ops(2));
  expect(ops(64)).toBeLessThan(200);
});

it('only LeakyReLU uses its input, so that TensorFlow can fuse it with the convolution before', () => {
  const x = wave(images) as tf.Tensor4D;
  const recorder = new Recorder(asNativeBackend(tf.backend()) as NativeBackend);
  recorder.start({ inputs: new Map([['x', x]]), variables: new Map() });
  const f = (filter: tf.Tensor) =>
    weigh(tf.leakyRelu(tf.conv2d(x, filter as tf.Tensor4D, 1, 'same').add(wave([2])), 0.2));
  const { nodes } = recorder.finish(new Map([['y', tf.grad(f)(wave([3, 3, 4, 2]))]]));
  const taken = nodes.find(({ op }) => op === 'LeakyRelu')?.inputs[0]?.node;
  expect(nodes.filter(({ inputs }) => inputs.some(({ node }) => node === taken)).map(({ op }) => op)).toEqual([
    'LeakyRelu',
  ]);
});

it('a critic with batch norm and a gradient penalty trains the same in captured and in eager steps', async () => {
  const critic = () => {
    const w = tf.variable(wave([6, 4], 3));
    const v = tf.variable(wave([4, 1], 4));
    const [gamma, beta] = [tf.variable(wave([4], 5)), tf.variable(wave([4], 6))];
    const score = (x: tf.Tensor) =>
      tf.leakyRelu(norm(x.matMul(w as tf.Tensor), gamma, beta), 0.2).matMul(v as tf.Tensor);
    return functionModel<{ real: tf.Tensor; fake: tf.Tensor }>({
      variables: { w, v, gamma, beta },
      losses: ({ real, fake }) => {
        const slopes = tf.grad((x) => score(x).sum())(real.add(fake).div(2));
        const penalty = slopes.square().sum(1).add(1e-6).sqrt().sub(1).square().mean<tf.Scalar>().mul<tf.Scalar>(10);
        return { critic: score(fake).mean<tf.Scalar>().sub<tf.Scalar>(score(real).mean()), penalty };
      },
    });
  };
  const row = (phase: number) => ({
    data: Float32Array.from({ length: 48 }, (_, i) => Math.sin(i * 3.7 + phase)),
    shape: [8, 6],
  });
  const training = { model: critic, batches: [{ real: row(1), fake: row(2) }], steps: 6 };
  const [eager, captured] = [await train('eager', training), await train('captured', training)];
  expect(new Set(eager.losses).size).toBe(12);
  // The steep penalty amplifies last-bit differences of fused kernels: 2e-5 on a processor with AVX-512.
  expect(difference(eager, captured)).toBeLessThan(1e-4);
});
