import tf from '#tfjs';
import { expectAgreement, tryPass, useNative, wave } from './passes/pass-fixture.test.support.ts';

beforeAll(useNative);

const nothing = { name: 'nothing', run: () => undefined };
const x = () => wave([2, 6, 6, 4]) as tf.Tensor4D;
const m = () => wave([4, 6], 1) as tf.Tensor2D;
const v = () => wave([6], 2) as tf.Tensor1D;
const k = () => wave([3, 3, 4, 5], 3) as tf.Tensor4D;
/** Whole numbers from 0 to below `limit`, computed from `t`: their values are known when the graph runs, not before. */
const computedIndices = (t: tf.Tensor, shape: number[], limit: number): tf.Tensor =>
  t
    .reshape([-1])
    .slice([0], [tf.util.sizeFromShape(shape)])
    .abs()
    .mul(limit - 0.01)
    .floor()
    .cast('int32')
    .reshape(shape);
const grad = (f: (t: tf.Tensor) => tf.Tensor) => (t: tf.Tensor) => tf.grad((of) => f(of).square().sum<tf.Scalar>())(t);

/** Everything that a train step may be made of, by name: a function of one tensor. */
const OPS: Record<string, readonly [() => tf.Tensor, (t: never) => tf.Tensor]> = {
  arithmetic: [
    m,
    (t: tf.Tensor) =>
      t.add(1).sub(v()).mul(t).div(3).square().add(0.1).sqrt().rsqrt().pow(2).maximum(0.3).minimum(5).neg().abs(),
  ],
  rounding: [
    m,
    (t: tf.Tensor) => tf.addN([t.floor(), t.ceil(), t.round(), t.sign(), t.mod(0.3), t.floorDiv(0.25), t.reciprocal()]),
  ],
  transcendental: [
    m,
    (t: tf.Tensor) =>
      tf.addN([
        t.exp(),
        t.expm1(),
        t.abs().log1p(),
        t.sin(),
        t.cos(),
        t.tan(),
        t.tanh(),
        t.atan(),
        t.erf(),
        t.sinh(),
        t.cosh(),
      ]),
  ],
  activations: [
    m,
    (t: tf.Tensor) =>
      tf.addN([
        t.relu(),
        tf.relu6(t),
        t.sigmoid(),
        t.elu(),
        tf.selu(t),
        tf.leakyRelu(t, 0.1),
        tf.softplus(t),
        tf.step(t),
        tf.prelu(t, tf.scalar(0.2)),
      ]),
  ],
  comparisons: [
    m,
    (t: tf.Tensor) =>
      tf.where(t.greater(0).logicalAnd(t.less(0.5)).logicalOr(t.equal(0)).logicalNot(), t, tf.zerosLike(t)),
  ],
  reductions: [
    m,
    (t: tf.Tensor) =>
      tf.stack([t.sum(), t.mean(), t.max(), t.min(), t.prod(), t.norm(), t.logSumExp(), tf.moments(t).variance]),
  ],
  arguments: [m, (t: tf.Tensor) => tf.stack([t.argMax(1), t.argMin(1)]).cast('float32')],
  softmax: [m, (t: tf.Tensor) => t.softmax().add(t.logSoftmax())],
  cumulative: [m, (t: tf.Tensor) => t.cumsum(1, true).add(tf.cumprod(t, 0))],
  cumulativeSums: [m, (t: tf.Tensor) => t.cumsum(1, true).add(t.cumsum(0, false, true))],
  shapes: [
    m,
    (t: tf.Tensor2D) =>
      t
        .transpose()
        .reshape([2, 12])
        .expandDims(1)
        .squeeze()
        .tile([1, 2])
        .reverse(1)
        .pad([
          [1, 0],
          [0, 1],
        ]),
  ],
  slices: [m, (t: tf.Tensor2D) => tf.concat([t.slice([1, 1], [2, 3]), ...t.slice([0, 0], [2, 6]).split(2, 1)], 1)],
  strides: [m, (t: tf.Tensor2D) => t.stridedSlice([0, 0], [4, 6], [2, 2])],
  stacks: [m, (t: tf.Tensor2D) => tf.stack([...tf.unstack(t), v()])],
  gathers: [
    m,
    (t: tf.Tensor2D) =>
      tf.addN([
        t.gather(computedIndices(t, [3], 4)).sum(),
        t
          .gather(computedIndices(t, [2, 3], 6), 1)
          .sum([0, 1])
          .sum(),
        t.gather(computedIndices(t, [3], 6), -1).sum(),
        tf.gather(t, computedIndices(t, [4, 2], 6), 1, 1).sum(),
        tf.gatherND(t, computedIndices(t, [3, 2], 4)).sum(),
      ]),
  ],
  embeddings: [
    m,
    (t: tf.Tensor2D) =>
      tf
        .gather(t, computedIndices(t, [2, 5], 4))
        .mul(wave([2, 5, 6]))
        .sum(1),
  ],
  segments: [m, (t: tf.Tensor2D) => tf.unsortedSegmentSum(t, computedIndices(t, [4], 3) as tf.Tensor1D, 3)],
  scatters: [
    m,
    (t: tf.Tensor2D) => tf.scatterND(computedIndices(t, [6, 1], 7), t.slice([0, 0], [1, 6]).reshape([6]), [7]),
  ],
  tensorUpdates: [
    m,
    (t: tf.Tensor2D) => tf.tensorScatterUpdate(t, computedIndices(t, [2, 1], 4), t.slice([0, 0], [2, 6]).mul(2)),
  ],
  sparse: [
    m,
    (t: tf.Tensor2D) =>
      tf.sparseToDense(
        tf.tensor1d([0, 2], 'int32').add(computedIndices(t, [1], 1)),
        t.slice([0, 0], [1, 2]).reshape([2]),
        [6],
        t.slice([0, 0], [1, 1]).reshape([]),
      ),
  ],
  counts: [
    m,
    (t: tf.Tensor2D) =>
      tf
        .bincount(computedIndices(t, [6], 6) as tf.Tensor1D, tf.tensor1d([]), 6)
        .add(
          tf.math
            .confusionMatrix(computedIndices(t, [6], 4) as tf.Tensor1D, computedIndices(t, [6], 4) as tf.Tensor1D, 4)
            .sum(),
        ),
  ],
  oneHot: [m, (t: tf.Tensor2D) => tf.oneHot(t.argMax(1).cast('int32'), 6).cast('float32').mul(t)],
  topk: [m, (t: tf.Tensor2D) => tf.topk(t, 2).values.add(tf.topk(t, 2).indices)],
  masks: [m, (t: tf.Tensor2D) => tf.where(t.greater(0.1).any(1).expandDims(1), t, t.neg())],
  bands: [m, (t: tf.Tensor2D) => tf.linalg.bandPart(t, 1, 1)],
  spectra: [m, (t: tf.Tensor2D) => tf.abs(tf.spectral.rfft(t))],
  mirrored: [
    m,
    (t: tf.Tensor2D) =>
      tf
        .mirrorPad(
          t,
          [
            [1, 2],
            [2, 1],
          ],
          'reflect',
        )
        .add(
          tf.mirrorPad(
            t,
            [
              [2, 1],
              [1, 2],
            ],
            'symmetric',
          ),
        ),
  ],
  tiles: [m, (t: tf.Tensor2D) => t.tile([2, 3]).add(tf.tile(t.sum(0, true), [8, 3]))],
  computedBoxes: [
    x,
    (t: tf.Tensor4D) =>
      tf.image.cropAndResize(
        t,
        t.slice([0, 0, 0, 0], [1, 1, 1, 4]).reshape([1, 4]).abs() as tf.Tensor2D,
        computedIndices(t, [1], 2) as tf.Tensor1D,
        [3, 3],
      ),
  ],
  products: [m, (t: tf.Tensor2D) => t.matMul(t, false, true).add(tf.dot(t, v()).sum())],
  einsum: [m, (t: tf.Tensor2D) => tf.einsum('ij,kj->ik', t, t)],
  convolution: [x, (t: tf.Tensor4D) => t.conv2d(k(), 2, 'same').add(t.conv2d(k(), 1, 'valid', 'NHWC', 1).mean())],
  dilatedConvolution: [x, (t: tf.Tensor4D) => t.conv2d(k(), 1, 'same', 'NHWC', 2)],
  depthwise: [x, (t: tf.Tensor4D) => tf.depthwiseConv2d(t, wave([3, 3, 4, 2]) as tf.Tensor4D, 1, 'same')],
  separable: [
    x,
    (t: tf.Tensor4D) =>
      tf.separableConv2d(t, wave([3, 3, 4, 1]) as tf.Tensor4D, wave([1, 1, 4, 3]) as tf.Tensor4D, 1, 'same'),
  ],
  transposedConvolution: [
    x,
    (t: tf.Tensor4D) => tf.conv2dTranspose(t, wave([3, 3, 5, 4]) as tf.Tensor4D, [2, 12, 12, 5], 2, 'same'),
  ],
  pooling: [x, (t: tf.Tensor4D) => tf.maxPool(t, 2, 2, 'same').add(tf.avgPool(t, 2, 2, 'valid'))],
  resizing: [x, (t: tf.Tensor4D) => tf.image.resizeBilinear(t, [9, 7]).add(tf.image.resizeNearestNeighbor(t, [9, 7]))],
  cropping: [
    x,
    (t: tf.Tensor4D) => tf.image.cropAndResize(t, tf.tensor2d([[0, 0, 0.5, 1]]), tf.tensor1d([1], 'int32'), [3, 3]),
  ],
  normalisation: [
    x,
    (t: tf.Tensor4D) =>
      tf.batchNorm(
        t,
        wave([4]) as tf.Tensor1D,
        wave([4], 1).abs() as tf.Tensor1D,
        wave([4], 2) as tf.Tensor1D,
        wave([4], 3) as tf.Tensor1D,
        1e-3,
      ),
  ],
  spaces: [
    x,
    (t: tf.Tensor4D) =>
      tf.depthToSpace(t, 2).add(
        tf
          .spaceToBatchND(
            t,
            [2, 2],
            [
              [0, 0],
              [0, 0],
            ],
          )
          .mean(),
      ),
  ],
  clipping: [
    m,
    (t: tf.Tensor) =>
      tf
        .clipByValue(t, -0.5, 0.5)
        .add(tf.fill([4, 6], 2))
        .add(tf.range(0, 6))
        .add(tf.linspace(0, 1, 6))
        .add(tf.eye(4, 6)),
  ],
  losses: [
    m,
    (t: tf.Tensor2D) =>
      tf.stack([
        tf.losses.sigmoidCrossEntropy(t.greater(0).cast('float32'), t),
        tf.losses.huberLoss(t.mul(2), t),
        tf.losses.absoluteDifference(t.mul(2), t),
        tf.losses.cosineDistance(t, t.mul(3), 1),
        tf.losses.logLoss(t.abs(), t.abs().mul(0.9)),
        tf.losses.hingeLoss(t.greater(0).cast('float32'), t),
      ]),
  ],
};

const GRADIENTS = [
  ...['arithmetic', 'activations', 'reductions', 'softmax', 'shapes', 'slices', 'stacks', 'products', 'convolution'],
  ...['depthwise', 'separable', 'transposedConvolution', 'pooling', 'resizing', 'normalisation', 'clipping'],
  ...['gathers', 'embeddings', 'segments', 'scatters', 'masks', 'mirrored', 'tiles', 'cumulativeSums'],
];

describe('a recorded op', () => {
  it.each(Object.entries(OPS))('gives what the eager one gives: %s', (_, [make, op]) => {
    const input = make();
    expectAgreement(
      tryPass(nothing, { input }, () => [op(input as never)]),
      1e-5,
    );
  });

  it.each(GRADIENTS)('has the gradient of the eager one: %s', (name) => {
    const [make, op] = OPS[name] as (typeof OPS)[string];
    const input = make();
    expectAgreement(
      tryPass(nothing, { input }, () => [grad(op as (t: tf.Tensor) => tf.Tensor)(input)]),
      1e-4,
    );
  });
});
