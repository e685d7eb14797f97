import tf from '#tfjs';
import { input, positive, type GradientCase } from './gradient-case.test.fixture.ts';

type Unary = (x: tf.Tensor) => tf.Tensor;

function unary(name: string, run: Unary, shape = [3, 4, 5]): GradientCase {
  return { name, inputs: [input(shape)], run };
}

const ELEMENTWISE: readonly [string, Unary][] = [
  ['relu', tf.relu],
  ['relu6', (x) => tf.relu6(tf.mul(x, 10))],
  ['leakyRelu', (x) => tf.leakyRelu(x, 0.1)],
  ['elu', tf.elu],
  ['selu', tf.selu],
  ['sigmoid', tf.sigmoid],
  ['tanh', tf.tanh],
  ['softplus', tf.softplus],
  ['swish', (x) => tf.mul(x, tf.sigmoid(x))],
  ['erf (gelu)', (x) => tf.mul(x, tf.add(1, tf.erf(x)))],
  ['exp', tf.exp],
  ['expm1', tf.expm1],
  ['log', (x) => tf.log(positive(x))],
  ['log1p', (x) => tf.log1p(tf.abs(x))],
  ['sqrt', (x) => tf.sqrt(positive(x))],
  ['rsqrt', (x) => tf.rsqrt(positive(x))],
  ['square', tf.square],
  ['pow', (x) => tf.pow(positive(x), 1.7)],
  ['abs', tf.abs],
  ['neg', tf.neg],
  ['reciprocal', (x) => tf.reciprocal(positive(x))],
  ['sin', tf.sin],
  ['cos', tf.cos],
  ['atan', tf.atan],
  ['clipByValue', (x) => tf.clipByValue(x, -0.5, 0.5)],
  ['softmax', (x) => tf.softmax(x)],
  ['logSoftmax', (x) => tf.logSoftmax(x)],
  [
    'where',
    (x) => tf.where(tf.cast(tf.reshape(tf.tile(tf.tensor1d([1, 0, 1]), [20]), [3, 4, 5]), 'bool'), x, tf.mul(x, 3)),
  ],
  ['cumsum', (x) => tf.cumsum(x, 2)],
];

const SHAPES: readonly [string, Unary][] = [
  ['sum over all', (x) => tf.sum(tf.square(x))],
  ['sum over leading axes', (x) => tf.sum(x, [0, 1])],
  ['sum over leading axes, kept', (x) => tf.sum(x, [0, 1], true)],
  ['sum over the last axis', (x) => tf.sum(x, -1)],
  ['sum over the middle axis', (x) => tf.sum(x, 1)],
  ['mean over leading axes', (x) => tf.mean(x, [0, 1])],
  ['mean over the last axis', (x) => tf.mean(x, 2, true)],
  ['max', (x) => tf.max(x, 1)],
  ['min', (x) => tf.min(x, [1, 2])],
  ['prod', (x) => tf.prod(positive(x), 2)],
  ['logSumExp', (x) => tf.logSumExp(x, 1)],
  ['moments', (x) => tf.moments(x, [0, 1]).variance],
  ['reshape', (x) => tf.square(tf.reshape(x, [5, 12]))],
  ['transpose', (x) => tf.square(tf.transpose(x, [2, 0, 1]))],
  ['reverse', (x) => tf.square(tf.reverse(x, 1))],
  ['slice', (x) => tf.slice(x, [1, 0, 2], [2, 3, 2])],
  ['pad', (x) => tf.square(tf.pad(x, [[1, 0], [0, 2], [1, 1]]))], // prettier-ignore
  ['mirrorPad', (x) => tf.mirrorPad(tf.square(x), [[0, 0], [1, 2], [1, 1]], 'reflect')], // prettier-ignore
  ['tile', (x) => tf.square(tf.tile(x, [2, 1, 3]))],
  ['tile of one row', (x) => tf.square(tf.tile(tf.slice(x, [1, 2, 0], [1, 1, 5]), [3, 2, 1]))],
  ['tile of one value', (x) => tf.square(tf.tile(tf.slice(x, [1, 2, 0], [1, 1, 1]), [3, 2, 4]))],
  ['concat', (x) => tf.concat([x, tf.square(x)], 1)],
  ['split', (x) => tf.mul(...(tf.split(x, 2, 1) as [tf.Tensor, tf.Tensor]))],
  ['stack and unstack', (x) => tf.stack(tf.unstack(tf.square(x), 1).reverse(), 2)],
  ['expandDims and squeeze', (x) => tf.squeeze(tf.square(tf.expandDims(x, 1)))],
  ['broadcastTo', (x) => tf.square(tf.broadcastTo(tf.slice(x, [0, 0, 0], [1, 4, 5]), [3, 4, 5]))],
  ['gather', (x) => tf.square(tf.gather(x, tf.tensor1d([2, 0, 2, 1], 'int32'), 0))],
  ['gather along axis 1', (x) => tf.square(tf.gather(x, tf.tensor1d([3, 3, 0], 'int32'), 1))],
  ['cast', (x) => tf.cast(tf.square(x), 'float32')],
];

type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

function binary(name: string, run: Binary, a: number[] = [3, 4, 5], b: number[] = [4, 1]): GradientCase {
  return { name: `${name} [${a.join()}] [${b.join()}]`, inputs: [input(a), input(b, 3)], run };
}

const BINARY: readonly GradientCase[] = [
  binary('add', tf.add),
  binary('sub', tf.sub),
  binary('mul', tf.mul),
  binary('mul', tf.mul, [6, 5], [5]),
  binary('div', (a, b) => tf.div(a, positive(b))),
  binary('maximum', tf.maximum, [3, 4], [3, 4]),
  binary('minimum', tf.minimum, [3, 4], [3, 4]),
  binary('squaredDifference', tf.squaredDifference, [3, 4], [3, 4]),
  binary('pow', (a, b) => tf.pow(positive(a), b)),
  binary('prelu', (a, b) => tf.prelu(a, b), [3, 4, 5], [5]),
  ...[false, true].flatMap((ta) =>
    [false, true].flatMap((tb) => [
      binary(
        `matMul ${String(ta)} ${String(tb)}`,
        (a, b) => tf.matMul(a, b, ta, tb),
        ta ? [7, 5] : [5, 7],
        tb ? [6, 7] : [7, 6],
      ),
      binary(
        `batched matMul ${String(ta)} ${String(tb)}`,
        (a, b) => tf.matMul(a, b, ta, tb),
        ta ? [2, 3, 7, 5] : [2, 3, 5, 7],
        tb ? [2, 3, 6, 7] : [2, 3, 7, 6],
      ),
    ]),
  ),
];

/** Elementwise operations, reductions, changes of shape and products. */
export const elementwiseCases: readonly GradientCase[] = [
  ...ELEMENTWISE.map(([name, run]) => unary(name, run)),
  ...SHAPES.map(([name, run]) => unary(name, run)),
  ...BINARY,
];
