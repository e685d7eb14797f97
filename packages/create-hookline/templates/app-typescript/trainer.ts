import {
  ArrayLoader,
  ClassificationEvaluator,
  defineConfig,
  defineTrainer,
  layersModel,
  RandomStream,
  tf,
} from 'hookline';

/** Random points in a square. Those inside a circle have class 1, the others class 0. Replace them with your own data. */
function drawPoints(name: string, count: number) {
  const random = new RandomStream(7, name);
  const points = Float32Array.from({ length: 2 * count }, () => 2 * random.float() - 1);
  const classes = Int32Array.from({ length: count }, (_, at) => {
    const [x = 0, y = 0] = points.subarray(2 * at);
    return Math.hypot(x, y) < 0.7 ? 1 : 0;
  });
  return { x: { data: points, shape: [count, 2] }, y: { data: classes, shape: [count] } } as const;
}

interface Batch {
  x: tf.Tensor2D;
  y: tf.Tensor1D;
}

export default defineTrainer({
  config: defineConfig({
    solver: {
      optimizer: 'adam',
      baseLr: 0.01,
      batchSize: 32,
      maxIterations: 400,
      lrSchedule: 'WarmupCosineLR',
      warmupIterations: 20,
    },
    writers: { period: 200 },
  }),
  buildModel() {
    const net = tf.sequential();
    net.add(tf.layers.dense({ units: 32, activation: 'relu', inputShape: [2] }));
    net.add(tf.layers.dense({ units: 2 }));
    return layersModel<Batch>(net, {
      inputs: ({ x }) => x,
      loss: (logits, { y }) => tf.losses.softmaxCrossEntropy(tf.oneHot(y, 2), logits),
    });
  },
  buildTrainLoader: ({ solver }) =>
    new ArrayLoader(drawPoints('train', 2000), { batchSize: solver.batchSize, shuffle: true, repeat: true }),
  buildTestLoader: () => new ArrayLoader(drawPoints('test', 500), { batchSize: 100 }),
  buildEvaluator: () => new ClassificationEvaluator(),
});
