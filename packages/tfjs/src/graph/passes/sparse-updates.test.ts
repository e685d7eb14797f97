import tf from '#tfjs';
import { loadNativeBackend } from '../../device/load-native.ts';
import { functionModel } from '../../model/function-model.ts';
import { adam } from '../../optim/adam.ts';
import { sgd } from '../../optim/sgd.ts';
import { tfjsOptimizer } from '../../optim/tfjs-optimizer.ts';
import { difference, train, type Training } from '../../runners/train-both.test.support.ts';

beforeAll(async () => {
  await loadNativeBackend(true);
});
afterEach(() => tf.disposeVariables());

const ROWS = 40;
// Rows that come twice in a batch, and some that never come.
const batches = [0, 1, 2].map((phase) => ({
  x: { data: Int32Array.from({ length: 12 }, (_, i) => (i * i * 3 + phase) % 17), shape: [3, 4], dtype: 'int32' },
  y: { data: Float32Array.from({ length: 3 }, (_, i) => Math.sin(i + phase)), shape: [3] },
}));
const wave = (size: number, shape: number[]) =>
  tf.variable(
    tf.tensor(
      Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898)),
      shape,
    ),
  );

type Batch = { x: tf.Tensor2D; y: tf.Tensor1D };
const embedding = (addLoss?: (table: tf.Variable) => tf.Scalar) => () => {
  const [table, w] = [wave(ROWS * 3, [ROWS, 3]), wave(12, [12, 1])];
  return functionModel<Batch>({
    variables: { table, w },
    losses: ({ x, y }) => {
      const loss = tf.gather(table, x).reshape([3, 12]).matMul(w).reshape([3]).sub(y).square().mean<tf.Scalar>();
      return addLoss === undefined ? loss : loss.add(addLoss(table));
    },
  });
};

const SPARSE: Record<string, Training> = {
  'gradient descent': { model: embedding(), batches, steps: 12 },
  "tfjs's gradient descent": {
    model: embedding(),
    optimizer: (model) => tfjsOptimizer(model, tf.train.sgd(0.1)),
    batches,
    steps: 12,
  },
  'an update under a condition': {
    model: embedding(),
    batches,
    steps: 12,
    tap: (hooks, scope) => {
      hooks.gradients.tap((gradients) => {
        scope.updateIf(tf.less(tf.scalar(1), tf.scalar(2)) as tf.Scalar);
        return gradients;
      });
    },
  },
};

it.each(Object.entries(SPARSE))('rows alone are read and changed: %s', async (_, training) => {
  const [eager, captured] = [await train('eager', training), await train('captured', training)];
  expect(captured.ops.get('ResourceScatterSub')).toBe(1);
  expect(captured.ops.get('ResourceGather')).toBe(1);
  expect(captured.ops.has('UnsortedSegmentSum')).toBe(false);
  expect(eager.losses.at(-1)).toBeLessThan(eager.losses[0] as number);
  expect(difference(eager, captured)).toBeLessThan(1e-6);
});

const DENSE: Record<string, Training> = {
  momentum: { model: embedding(), optimizer: (of) => sgd(of, { learningRate: 0.05, momentum: 0.9 }), batches },
  'weight decay': { model: embedding(), optimizer: (of) => sgd(of, { learningRate: 0.05, weightDecay: 0.1 }), batches },
  Adam: { model: embedding(), optimizer: (of) => adam(of, { learningRate: 0.01 }), batches },
  'a tap that looks at the gradient': {
    model: embedding(),
    batches,
    tap: (hooks) => {
      hooks.gradients.tap((gradients) => {
        const size = tf.addN(Object.values(gradients).map((each) => tf.sum(tf.square(each as tf.Tensor)))).sqrt();
        return Object.fromEntries(Object.entries(gradients).map(([name, each]) => [name, each.div(size.add(1))]));
      });
    },
  },
  'a tap that looks at the table afterwards': {
    model: embedding(),
    batches,
    tap: (hooks, scope) => {
      hooks.afterUpdate.tap((variables) => {
        scope.metric('size', tf.norm(variables['table'] as tf.Tensor).asScalar());
      });
    },
  },
  'a regularizer of the table': { model: embedding((table) => table.square().mean()), batches },
  'a table that is read twice': {
    model: embedding((table) =>
      tf
        .gather(table, tf.tensor1d([3, 5], 'int32'))
        .square()
        .mean(),
    ),
    batches,
  },
};

it.each(Object.entries(DENSE))('the whole table is changed where that counts: %s', async (_, training) => {
  const [eager, captured] = [await train('eager', training), await train('captured', training)];
  expect(captured.ops.has('ResourceScatterSub')).toBe(false);
  expect(difference(eager, captured)).toBeLessThan(1e-6);
});
