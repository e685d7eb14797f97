import tf from '#tfjs';
import { expectAgreement, tryPass, useNative } from './passes/pass-fixture.test.support.ts';

beforeAll(useNative);

type Op = (t: tf.Tensor2D) => tf.Tensor;

const nothing = { name: 'nothing', run: () => undefined };
const named = tf as unknown as Record<string, (...args: tf.Tensor[]) => tf.Tensor>;
const two = (t: tf.Tensor, dtype: tf.DataType) => tf.fill(t.shape, 2, dtype);
const indices = () => tf.tensor1d([0, 1], 'int32');

/** By the names under which tfjs has them: of the tensor alone, of it and floats, of it and whole numbers. */
const unary = (names: string): [string, Op][] =>
  names.split(' ').map((name) => [name, (t) => named[name]?.(t) as tf.Tensor]);
const mixed = (names: string): [string, Op][] =>
  names.split(' ').flatMap((name): [string, Op][] => [
    [`${name} with floats`, (t) => named[name]?.(t, two(t, 'float32')) as tf.Tensor],
    [`${name} of floats`, (t) => named[name]?.(two(t, 'float32'), t) as tf.Tensor],
    [`${name} with integers`, (t) => named[name]?.(t, two(t, 'int32')) as tf.Tensor],
  ]);

/** Ops that tfjs has for every type of numbers. */
const ANY: readonly [string, Op][] = [
  ...unary('sum prod transpose onesLike zerosLike clone reverse expandDims mean'),
  ...mixed('add sub mul div pow squaredDifference equal notEqual divNoNan'),
  ['sum of an axis', (t) => t.sum(1, true)],
  ['mean of an axis', (t) => t.mean(1, true)],
  ['moments', (t) => tf.stack([tf.moments(t).mean, tf.moments(t).variance])],
  ['moments of an axis', (t) => tf.moments(t, 0).variance],
  ['reshape', (t) => t.reshape([-1])],
  ['tile', (t) => t.tile([2, 1])],
  ['mirrorPad', (t) => tf.mirrorPad(t, [[1, 0], [0, 1]], 'reflect')], // prettier-ignore
  ['slice', (t) => t.slice([0, 1], [1, 2])],
  ['stridedSlice', (t) => tf.stridedSlice(t, [0, 0], [2, 3], [1, 2])],
  ['split', (t) => tf.split(t, 3, 1)[1] as tf.Tensor],
  ['concat', (t) => tf.concat([t, tf.stack(tf.unstack(t))], 1)],
  ['gather', (t) => t.gather(indices())],
  ['gatherND', (t) => tf.gatherND(t, tf.tensor2d([[0, 1]], [1, 2], 'int32'))],
  ['scatterND', (t) => tf.scatterND(tf.tensor2d([[0], [2]], [2, 1], 'int32'), t, [4, 3])],
  ['where', (t) => tf.where(two(t, 'int32').cast('bool'), t, t.reverse(0))],
  ['where by the tensor', (t) => tf.where(t.cast('bool'), tf.ones([2, 3]), tf.zeros([2, 3]))],
  ['oneHot', (t) => tf.oneHot(t.cast('int32'), 3, 2, 0, 'int32')],
  ['cast to float32', (t) => t.cast('float32')],
  ['cast to int32', (t) => t.cast('int32')],
  ['cast to bool', (t) => t.cast('bool')],
];
const REAL: readonly [string, Op][] = [
  ...unary('argMax argMin'),
  ...mixed('maximum minimum less lessEqual greater greaterEqual atan2 mod floorDiv').filter(
    ([name]) => name !== 'atan2 with integers',
  ),
  ['clipByValue', (t) => tf.clipByValue(t, 0, 1)],
  ['accuracy', (t) => t.cast('float32').equal(t.cast('float32').reverse(0)).mean()],
  ['binaryAccuracy', (t) => tf.metrics.binaryAccuracy(t.cast('float32'), t.cast('float32').reverse(0))],
  ['softmaxCrossEntropy', (t) => tf.losses.softmaxCrossEntropy(t, t.cast('float32'))],
];

const TYPES: readonly [string, () => tf.Tensor2D, readonly [string, Op][]][] = [
  [
    'int32',
    () => tf.tensor2d([1, 2, 1, 2, 3, 1], [2, 3], 'int32'),
    [
      ...ANY,
      ...REAL,
      ...unary('abs neg sign square relu max min cumsum logSumExp'),
      ['pad', (t) => t.pad([[1, 0], [0, 1]], 1)], // prettier-ignore
      ['matMul', (t) => t.matMul(t, false, true)],
      ['topk', (t) => tf.topk(t, 2).values],
      ['unsortedSegmentSum', (t) => tf.unsortedSegmentSum(t, tf.tensor1d([0, 1], 'int32'), 3)],
    ],
  ],
  [
    'bool',
    () => tf.tensor2d([1, 1, 0, 1, 0, 1], [2, 3], 'bool'),
    [
      ...ANY.filter(([name]) => !name.endsWith(' of floats') || !name.startsWith('div of')),
      ...REAL.filter(([name]) => !/^(mod|floorDiv) of/.test(name)),
      ...unary('any all logicalNot'),
      ['logicalAnd', (t) => t.logicalAnd(t.reverse(0)).logicalOr(t)],
    ],
  ],
  [
    'complex64',
    () => tf.complex(tf.tensor2d([1, 2, 3, 2, 1, 1], [2, 3]), tf.tensor2d([2, 1, 1, 3, 1, 2], [2, 3])) as tf.Tensor2D,
    [
      ...ANY,
      ...unary('abs neg sign square exp reciprocal cumsum'),
      ['matMul', (t) => t.matMul(t, false, true)],
      ['fft', (t) => tf.fft(t)],
    ],
  ],
];

/** As real numbers, since those of the complex ones cannot be read in one piece. */
const real = (t: tf.Tensor): tf.Tensor =>
  t.dtype === 'complex64' ? tf.stack([tf.real(t), tf.imag(t)]) : t.cast('float32');

describe('ops on numbers other than float32 give in a graph what they give eagerly', () => {
  it.each(TYPES)('%s', (_, make, ops) => {
    const input = make();
    expectAgreement(
      tryPass(nothing, { input }, () => ops.map(([, op]) => real(op(input)))),
      1e-4,
    );
  });

  it('strings', () => {
    const input = tf.tensor2d(['a', 'b', 'c', 'd', 'e', 'f'], [2, 3]);
    const { eager, graph } = tryPass(nothing, { input }, () => [
      tf.concat([input.reshape([-1]), tf.stack(tf.unstack(input)).tile([1, 2]).reshape([-1])], 0),
    ]);
    const texts = (values: readonly unknown[]) => values.map((value) => Buffer.from(value as string).toString());
    expect(texts(graph[0] ?? [])).toEqual(texts(eager[0] ?? []));
    expect(graph[0]).toHaveLength(18);
  });
});
