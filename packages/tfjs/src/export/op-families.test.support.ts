import tf from '#tfjs';

/** One family of ops: a function of a batch of items of a shape. */
export interface OpFamily {
  readonly shape: readonly number[];
  readonly run: (t: never) => tf.Tensor | Record<string, tf.Tensor>;
}

const made = new Map<string, tf.Tensor>();
/** Returns weights: the same tensor at every call. */
function weight<T extends tf.Tensor>(shape: number[], seed: number): T {
  const key = `${shape.join()} ${seed}`;
  const known = made.get(key) ?? tf.keep(tf.randomNormal(shape, 0, 0.5, 'float32', seed));
  made.set(key, known);
  return known as T;
}

/** Frees the weights of all families. */
export function freeFamilies(): void {
  tf.dispose([...made.values()]);
  made.clear();
  networks.clear();
  tf.disposeVariables();
}

const networks = new Map<string, tf.LayersModel>();
/** A layer that is created at its first use, with seeded weights. */
function layer(name: string, make: () => tf.layers.Layer, shape: number[]): OpFamily {
  const network = (): tf.LayersModel => {
    const known = networks.get(name);
    if (known !== undefined) return known;
    const input = tf.input({ shape });
    const network = tf.model({ inputs: input, outputs: make().apply(input) as tf.SymbolicTensor });
    network.setWeights(
      network.getWeights().map((each, place) => tf.randomNormal(each.shape, 0, 0.4, 'float32', place + 1)),
    );
    networks.set(name, network);
    return network;
  };
  return { shape, run: (t: tf.Tensor) => network().apply(t, { training: false }) as tf.Tensor };
}

const kernel = () => weight<tf.Tensor4D>([3, 3, 4, 5], 1);
const depthwise = () => weight<tf.Tensor4D>([3, 3, 4, 2], 2);
const matrix = () => weight<tf.Tensor2D>([6, 3], 3);
const six = () => weight<tf.Tensor1D>([6], 4);
const four = (seed: number) => weight<tf.Tensor1D>([4], seed);

const M = [6];
const X = [6, 6, 4];
const f = (run: (t: tf.Tensor2D) => tf.Tensor | Record<string, tf.Tensor>): OpFamily => ({ shape: M, run });
const image = (run: (t: tf.Tensor4D) => tf.Tensor): OpFamily => ({ shape: X, run });
const { layers: L } = tf;

/** Families of ops that occur in forward passes, by name. */
export const OP_FAMILIES: Readonly<Record<string, OpFamily>> = {
  arithmetic: f((t) =>
    t.add(1).sub(six()).mul(t).div(3).square().add(0.1).sqrt().rsqrt().pow(2).maximum(0.3).minimum(5).neg().abs(),
  ),
  rounding: f((t) => tf.addN([t.floor(), t.ceil(), t.sign(), t.add(3).reciprocal()])),
  mod: f((t) => t.mod(0.3)),
  floorDiv: f((t) => t.floorDiv(0.25)),
  round: f((t) => t.round()),
  addN: f((t) => tf.addN([t, t.mul(2)])),
  squaredDifference: f((t) => tf.squaredDifference(t, six())),
  transcendental: f((t) =>
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
  ),
  log: f((t) => t.abs().add(1).log()),
  relu6: f((t) => tf.relu6(t.mul(9))),
  elu: f((t) => t.elu()),
  selu: f((t) => tf.selu(t)),
  leakyRelu: f((t) => tf.leakyRelu(t, 0.1)),
  softplus: f((t) => tf.softplus(t)),
  step: f((t) => tf.step(t)),
  prelu: f((t) => tf.prelu(t, tf.scalar(0.2) as tf.Tensor)),
  gelu: f((t) => t.mul(t.div(Math.SQRT2).erf().add(1)).mul(0.5)),
  swish: f((t) => t.mul(t.sigmoid())),
  comparisons: f((t) =>
    tf.where(t.greater(0).logicalAnd(t.less(0.5)).logicalOr(t.equal(0)).logicalNot(), t, tf.zerosLike(t)),
  ),
  moreComparisons: f((t) =>
    t.greaterEqual(0.1).logicalXor(t.lessEqual(0.2)).cast('float32').add(t.notEqual(0).cast('int32').cast('float32')),
  ),
  reductions: f((t) =>
    tf.stack(
      [
        t.sum(1),
        t.mean(1),
        t.max(1),
        t.min(1),
        t.prod(1),
        t.norm('euclidean', 1),
        t.logSumExp(1),
        tf.moments(t, 1).variance,
      ],
      1,
    ),
  ),
  anyAll: f((t) => t.greater(0).any(1).cast('float32').add(t.greater(0).all(1).cast('float32'))),
  globalMean: f((t) => t.sub(t.mean())),
  arguments: f((t) => tf.stack([t.argMax(1), t.argMin(1)], 1)),
  softmax: f((t) => t.softmax().add(t.logSoftmax())),
  cumsum: f((t) => t.cumsum(1, true)),
  cumprod: f((t) => tf.cumprod(t, 1)),
  transpose: image((t) => t.transpose([0, 3, 1, 2])),
  shapes: f((t) => t.expandDims(1).tile([1, 2, 1]).reshape([t.shape[0], 12]).expandDims(2).squeeze([2])),
  reverse: f((t) => t.reverse(1)),
  pad: image((t) => tf.pad(t, [[0, 0], [1, 0], [0, 1], [0, 0]], 0.5)), // prettier-ignore
  mirrorPad: image((t) => tf.mirrorPad(t, [[0, 0], [1, 1], [1, 1], [0, 0]], 'reflect')), // prettier-ignore
  slice: f((t) => tf.concat([t.slice([0, 1], [-1, 3]), ...t.split(2, 1)], 1)),
  stridedSlice: f((t) => t.stridedSlice([0, 0], [t.shape[0], 6], [1, 2])),
  unstack: f((t) => tf.stack(tf.unstack(t, 1), 1)),
  unstackBatch: f((t) => tf.stack(tf.unstack(t))),
  gather: f((t) => t.gather(tf.tensor1d([2, 0, 2], 'int32'), 1)),
  gatherND: f((t) => tf.gatherND(t.transpose(), tf.tensor2d([[0], [3]], [2, 1], 'int32'))),
  scatterND: f((t) =>
    tf.scatterND(tf.tensor2d([[0], [2], [3], [4], [5], [1]], [6, 1], 'int32'), t.transpose(), [7, t.shape[0]]),
  ),
  oneHot: f((t) => tf.oneHot(t.argMax(1).cast('int32'), 6).cast('float32').mul(t)),
  topk: f((t) => ({ ...tf.topk(t, 2) })),
  matMul: f((t) => t.matMul(matrix()).add(weight([3], 5))),
  fusedMatMul: f((t) => tf.fused.matMul({ a: t, b: matrix(), bias: weight([3], 5), activation: 'relu' })),
  attention: {
    shape: [5, 8],
    run: (t: tf.Tensor3D) => tf.matMul(tf.softmax(tf.matMul(t, t, false, true).div(Math.sqrt(8))), t),
  },
  einsum: f((t) => tf.einsum('ij,kj->ik', t, matrix().transpose())),
  conv: image((t) => t.conv2d(kernel(), 2, 'same')),
  convValid: image((t) => t.conv2d(kernel(), 1, 'valid')),
  convPadded: image((t) => tf.conv2d(tf.pad(t, [[0, 0], [1, 1], [1, 1], [0, 0]]), kernel(), 2, 'valid')), // prettier-ignore
  fusedConv: image((t) =>
    tf.fused.conv2d({ x: t, filter: kernel(), strides: 1, pad: 'same', bias: weight([5], 6), activation: 'relu' }),
  ),
  dilatedConv: image((t) => t.conv2d(kernel(), 1, 'same', 'NHWC', 2)),
  depthwiseConv: image((t) => tf.depthwiseConv2d(t, depthwise(), 1, 'same')),
  depthwiseStrided: image((t) => tf.depthwiseConv2d(t, depthwise(), 2, 'same')),
  depthwiseDilated: image((t) => tf.depthwiseConv2d(t, depthwise(), 1, 'same', 'NHWC', [2, 2])),
  separableConv: image((t) => tf.separableConv2d(t, depthwise(), weight([1, 1, 8, 3], 7), 1, 'same')),
  transposedConv: image((t) => tf.conv2dTranspose(t, weight([3, 3, 5, 4], 8), [t.shape[0], 12, 12, 5], 2, 'same')),
  transposedValid: image((t) => tf.conv2dTranspose(t, weight([3, 3, 5, 4], 8), [t.shape[0], 13, 13, 5], 2, 'valid')),
  conv1d: { shape: [8, 4], run: (t: tf.Tensor3D) => tf.conv1d(t, weight([3, 4, 5], 9), 1, 'same') },
  conv3d: { shape: [4, 4, 4, 2], run: (t: tf.Tensor5D) => tf.conv3d(t, weight([2, 2, 2, 2, 3], 10), 1, 'same') },
  maxPool: image((t) => tf.maxPool(t, 2, 2, 'same')),
  averagePool: image((t) => tf.avgPool(t, 2, 2, 'valid')),
  averagePoolSame: image((t) => tf.avgPool(t, 3, 1, 'same')),
  maxPoolOverlapping: image((t) => tf.maxPool(t, 3, 2, 'same')),
  maxPool3d: { shape: [4, 4, 4, 2], run: (t: tf.Tensor5D) => tf.maxPool3d(t, 2, 2, 'same') },
  bilinear: image((t) => tf.image.resizeBilinear(t, [9, 7])),
  bilinearHalfPixel: image((t) => tf.image.resizeBilinear(t, [12, 12], false, true)),
  bilinearCorners: image((t) => tf.image.resizeBilinear(t, [9, 7], true)),
  nearest: image((t) => tf.image.resizeNearestNeighbor(t, [12, 12])),
  nearestHalfPixel: image((t) => tf.image.resizeNearestNeighbor(t, [9, 7], false, true)),
  batchNorm: image((t) => tf.batchNorm(t, four(11), four(12).abs(), four(13), four(14), 1e-3)),
  groupNorm: image((t) => {
    const groups = t.reshape([t.shape[0], 36, 2, 2]);
    const { mean, variance } = tf.moments(groups, [1, 3], true);
    return groups.sub(mean).mul(variance.add(1e-5).rsqrt()).reshape(t.shape);
  }),
  localResponse: image((t) => tf.localResponseNormalization(t)),
  depthToSpace: image((t) => tf.depthToSpace(t, 2)),
  spaceToBatch: image((t) => tf.spaceToBatchND(t, [2, 2], [[0, 0], [0, 0]])), // prettier-ignore
  clip: f((t) => tf.clipByValue(t, -0.5, 0.5)),
  fill: f((t) =>
    t
      .add(tf.fill([t.shape[0], 6], 2))
      .add(tf.ones(t.shape))
      .add(tf.range(0, 6)),
  ),
  broadcast: { shape: [1], run: (t: tf.Tensor2D) => tf.broadcastTo(t, [t.shape[0], 6]) },
  linspaceEye: f((t) => t.add(tf.linspace(0, 1, 6)).matMul(tf.eye(6))),
  cropAndResize: image((t) =>
    tf.image.cropAndResize(t, tf.tensor2d([[0, 0, 0.5, 1]]), tf.tensor1d([0], 'int32'), [3, 3]),
  ),
  fft: f((t) => tf.abs(tf.spectral.rfft(t, 6))),
  noSuppression: f((t) => tf.image.nonMaxSuppression(t.slice([0, 0], [-1, 4]), t.sum(1), 3).cast('float32')),
  squaredBatch: f((t) => t.add(t.shape[0] ** 2)),
  gru: layer('gru', () => L.gru({ units: 4, returnSequences: true }), [5, 3]),
  lstm: layer('lstm', () => L.lstm({ units: 4 }), [5, 3]),
  embedding: layer('embedding', () => L.embedding({ inputDim: 20, outputDim: 3 }), [5]),
  upSampling: layer('upSampling', () => L.upSampling2d({ size: [2, 2] }), X),
  globalPooling: layer('globalPooling', () => L.globalAveragePooling2d({ dataFormat: 'channelsLast' }), X),
  preluLayer: layer('preluLayer', () => L.prelu({}), M),
  dense3: layer('dense3', () => L.dense({ units: 4, activation: 'tanh' }), [5, 3]),
  layerNorm: layer('layerNorm', () => L.layerNormalization(), [5, 3]),
  bidirectional: layer(
    'bidirectional',
    () =>
      L.bidirectional({
        layer: L.gru({ units: 3, returnSequences: true }),
        mergeMode: 'concat',
      }),
    [5, 3],
  ),
  timeDistributed: layer('timeDistributed', () => L.timeDistributed({ layer: L.dense({ units: 4 }) }), [5, 3]),
};
