import { functionModel, layersModel, tf } from '@hookline/tfjs';
import {
  crossEntropy,
  integers,
  layersFamily,
  numbers,
  oneHot,
  plainSgd,
  seeded,
  squaredError,
  weight,
  type Batch,
  type Family,
} from './family.ts';

const ROWS = 16;
const { layers } = tf;
const table = (columns: number, targets: number) => (seed: number) => ({
  x: numbers([ROWS, columns], seed),
  y: numbers([ROWS, targets], seed + 1000),
});
const square = (x: tf.Tensor): tf.Tensor => x.square();

function multiOutput(): tf.LayersModel {
  const input = tf.input({ shape: [8] });
  const trunk = layers.dense({ units: 16, activation: 'tanh' }).apply(input) as tf.SymbolicTensor;
  return tf.model({
    inputs: input,
    outputs: [1, 3].map((units) => layers.dense({ units }).apply(trunk) as tf.SymbolicTensor),
  });
}

function twoTowers(): tf.LayersModel {
  const towers = ['user', 'item'].map((name) => {
    const input = tf.input({ shape: [1], name: `${name}_input` });
    const found = layers.embedding({ inputDim: 60, outputDim: 8 }).apply(input);
    const flat = layers.flatten().apply(found);
    return { input, output: layers.dense({ units: 6, activation: 'relu' }).apply(flat) as tf.SymbolicTensor };
  });
  const score = layers.dot({ axes: -1 }).apply(towers.map(({ output }) => output)) as tf.SymbolicTensor;
  return tf.model({ inputs: towers.map(({ input }) => input), outputs: score });
}

/** Matrix factorisation: regularized biases and factors of users and items. */
const factorisation: Family = {
  name: 'matrix_factorisation',
  batch: (seed) => ({
    user: integers([ROWS], 80, seed),
    item: integers([ROWS], 60, seed + 1),
    y: numbers([ROWS], seed + 2),
  }),
  build: () => {
    const [users, items] = [weight([80, 6], 1), weight([60, 6], 2)];
    const [userBias, itemBias] = [weight([80], 3), weight([60], 4)];
    const model = functionModel<{ user: tf.Tensor1D; item: tf.Tensor1D; y: tf.Tensor1D }>({
      variables: { users, items, userBias, itemBias },
      losses: ({ user, item, y }) => {
        const [u, i] = [tf.gather(users, user), tf.gather(items, item)];
        const score = u.mul(i).sum(1).add(tf.gather(userBias, user)).add(tf.gather(itemBias, item));
        return {
          error: squaredError(y, score).asScalar(),
          penalty: square(u).mean().add(square(i).mean()).mul(0.01).asScalar(),
        };
      },
    });
    return [{ model, optimizer: plainSgd }];
  },
};

/** A siamese net with a contrastive loss: equal pairs should be near, other pairs at least a margin apart. */
const siamese: Family = {
  name: 'siamese',
  batch: (seed) => ({
    a: numbers([ROWS, 10], seed),
    b: numbers([ROWS, 10], seed + 1000),
    same: integers([ROWS, 1], 2, seed + 2000),
  }),
  build: () => {
    const net = seeded(
      tf.sequential({
        layers: [layers.dense({ inputShape: [10], units: 16, activation: 'relu' }), layers.dense({ units: 4 })],
      }),
    );
    const model = layersModel<Batch>(net, {
      inputs: ({ a }) => a as tf.Tensor,
      loss: (first, { b, same }) => {
        const other = net.apply(b as tf.Tensor, { training: true }) as tf.Tensor;
        const distance = square(first.sub(other)).sum(1, true).add(1e-6).sqrt();
        const near = (same as tf.Tensor).cast('float32');
        const far = square(tf.relu(tf.scalar(1).sub(distance)));
        return near.mul(square(distance)).add(tf.scalar(1).sub(near).mul(far)).mean().asScalar();
      },
    });
    return [{ model, optimizer: plainSgd }];
  },
};

/** Two graph convolutions on 20 nodes. The graph's matrix is a constant tensor, made once. */
const graphConvolution: Family = {
  name: 'graph_convolution',
  batch: (seed) => ({ x: numbers([20, 6], seed), y: oneHot(20, 3, seed + 1000) }),
  build: () => {
    const edges = integers([20, 20], 4, 7).data.map((value) => (value === 0 ? 1 : 0));
    const neighbours = tf.keep(
      tf.tidy(() => {
        const links = tf.tensor2d(Float32Array.from(edges), [20, 20]).add(tf.eye(20));
        return links.div(links.sum(1, true));
      }),
    ) as tf.Tensor2D;
    const [w1, w2] = [weight([6, 8], 1), weight([8, 3], 2)] as tf.Variable<tf.Rank.R2>[] as [
      tf.Variable<tf.Rank.R2>,
      tf.Variable<tf.Rank.R2>,
    ];
    const model = functionModel<{ x: tf.Tensor2D; y: tf.Tensor2D }>({
      variables: { w1, w2 },
      losses: ({ x, y }) => {
        const hidden = neighbours.matMul(x.matMul(w1)).relu() as tf.Tensor2D;
        return crossEntropy(y, neighbours.matMul(hidden.matMul(w2))).asScalar();
      },
    });
    return [{ model, optimizer: plainSgd }];
  },
};

/** Dense layers with layer normalisation between them. */
const layerNorm: Family = {
  name: 'layer_norm_mlp',
  batch: table(10, 2),
  build: () => {
    const net = seeded(
      tf.sequential({
        layers: [
          layers.dense({ inputShape: [10], units: 16 }),
          layers.layerNormalization({}),
          layers.reLU(),
          layers.dense({ units: 2 }),
        ],
      }),
    );
    const model = layersModel<Batch>(net, { loss: (out, { y }) => squaredError(y as tf.Tensor, out).asScalar() });
    return [{ model, optimizer: plainSgd }];
  },
};

const MIXTURES = 5;

/** Negative log-likelihood of a mixture of normal distributions. */
function mixtureLoss(truth: tf.Tensor, output: tf.Tensor): tf.Tensor {
  const [logits, means, logDeviations] = tf.split(output, 3, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const distance = truth.sub(means).div(logDeviations.exp());
  const logs = logits.logSoftmax().sub(logDeviations).sub(distance.square().mul(0.5));
  return logs.logSumExp(1).neg().mean();
}

export const TABLE_FAMILIES: readonly Family[] = [
  layersFamily({
    name: 'linear_regression',
    net: () => tf.sequential({ layers: [layers.dense({ inputShape: [6], units: 1 })] }),
    batch: table(6, 1),
    loss: squaredError,
  }),
  layersFamily({
    name: 'mlp',
    net: () =>
      tf.sequential({
        layers: [
          layers.dense({ inputShape: [10], units: 32, activation: 'relu' }),
          layers.dense({ units: 32, activation: 'tanh' }),
          layers.dense({ units: 4 }),
        ],
      }),
    batch: (seed) => ({ x: numbers([ROWS, 10], seed), y: oneHot(ROWS, 4, seed + 1000) }),
    loss: crossEntropy,
  }),
  layersFamily({
    name: 'multi_output',
    net: multiOutput,
    targets: ['y0', 'y1'],
    batch: (seed) => ({
      x: numbers([ROWS, 8], seed),
      y0: numbers([ROWS, 1], seed + 1),
      y1: numbers([ROWS, 3], seed + 2),
    }),
    loss: squaredError,
  }),
  layersFamily({
    name: 'two_tower',
    net: twoTowers,
    inputs: ['user', 'item'],
    batch: (seed) => ({
      user: integers([ROWS, 1], 60, seed),
      item: integers([ROWS, 1], 60, seed + 1),
      y: numbers([ROWS, 1], seed + 2),
    }),
    loss: squaredError,
  }),
  layersFamily({
    name: 'mixture_density',
    net: () =>
      tf.sequential({
        layers: [
          layers.dense({ inputShape: [3], units: 16, activation: 'tanh' }),
          layers.dense({ units: 3 * MIXTURES }),
        ],
      }),
    batch: table(3, 1),
    loss: mixtureLoss,
    // `fit` requires outputs and targets of the same shape.
    hasFit: false,
  }),
  layerNorm,
  factorisation,
  siamese,
  graphConvolution,
];
