import {
  ArrayLoader,
  ClassificationEvaluator,
  defineConfig,
  defineTrainer,
  earlyStopping,
  layersModel,
  type PluginInput,
  tf,
  z,
} from 'hookline';

const CLASSES = 4;
const FEATURES = 16;

/** The training that the campaigns attack. It includes everything that keeps state across steps, and has sizeable checkpoints. */
const config = defineConfig(
  {
    seed: 7,
    solver: {
      optimizer: 'adamw',
      batchSize: 32,
      maxIterations: 300,
      baseLr: 0.002,
      lrSchedule: 'WarmupCosineLR',
      warmupIterations: 40,
      clipGradients: { enabled: true, type: 'global-norm', value: 1 },
      emaDecay: 0.95,
    },
    test: { evalPeriod: 50, preciseBn: { enabled: true, iterations: 4 } },
    checkpoint: { period: 10, maxToKeep: 3, best: 'accuracy' },
    writers: { period: 25 },
  },
  {
    /** Units of the hidden layers. The size of a checkpoint grows with the square of this number. */
    model: { width: z.int().positive().default(384) },
    data: { count: z.int().positive().default(700) },
  },
);

type Batch = { readonly x: tf.Tensor2D; readonly label: tf.Tensor1D };

/** Points on the arms of a spiral, projected on {@link FEATURES} directions, with small disturbances. */
function spiral(count: number): { x: Float32Array; label: Int32Array } {
  const x = new Float32Array(count * FEATURES);
  const label = new Int32Array(count);
  for (let point = 0; point < count; point++) {
    const arm = point % CLASSES;
    const radius = 0.1 + (0.9 * point) / count;
    const angle = (2 * Math.PI * arm) / CLASSES + 3 * radius + 0.3 * Math.sin(point * 12.9898);
    label[point] = arm;
    for (let wave = 0; wave < FEATURES; wave++) {
      x[point * FEATURES + wave] =
        radius * Math.cos(angle + (wave * Math.PI) / 8) + 0.05 * Math.sin(point * (wave + 3));
    }
  }
  return { x, label };
}

const loader = (count: number, options: Partial<ConstructorParameters<typeof ArrayLoader>[1]>) => {
  const { x, label } = spiral(count);
  return new ArrayLoader(
    { x: { data: x, shape: [count, FEATURES] }, label: { data: label, shape: [count] } },
    { batchSize: 32, ...options },
  );
};

/** Defines the trainer of the campaigns, with additional plugins. */
export const campaignTrainer = (plugins: readonly PluginInput[] = []) =>
  defineTrainer({
    config,
    buildModel: ({ model: { width } }) => {
      const { dense, batchNormalization, dropout } = tf.layers;
      const net = tf.sequential({
        layers: [
          dense({ inputShape: [FEATURES], units: width, activation: 'relu' }),
          batchNormalization({ momentum: 0.9 }),
          dropout({ rate: 0.2 }),
          dense({ units: width, activation: 'relu', kernelRegularizer: 'l1l2' }),
          dense({ units: CLASSES }),
        ],
      });
      return layersModel<Batch>(net, {
        inputs: ({ x }) => x,
        loss: (logits, { label }) =>
          tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(tf.oneHot(label, CLASSES), logits),
      });
    },
    buildTrainLoader: ({ data, solver }, trainer) =>
      loader(data.count, {
        batchSize: solver.batchSize,
        shuffle: true,
        repeat: true,
        random: trainer.random.stream('train-loader'),
      }),
    buildTestLoader: ({ data }) => loader(Math.ceil(data.count / 5), {}),
    buildEvaluator: () => new ClassificationEvaluator({ labels: (batch) => (batch as Batch).label }),
    plugins: [earlyStopping({ metric: 'accuracy', patience: 1000 }), ...plugins],
  });

export default campaignTrainer();
