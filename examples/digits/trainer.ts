import { ArrayLoader, ClassificationEvaluator, defineConfig, defineTrainer, layersModel, tf, z } from 'hookline';
import { SIDE } from './draw-digits.ts';
import { type DigitBatch, digitFields, loadDigits } from './load-digits.ts';
import { shiftImages } from './shift-images.ts';

export const config = defineConfig(
  {
    output: 'runs/digits',
    solver: {
      optimizer: 'adam',
      batchSize: 60,
      maxIterations: 750,
      baseLr: 0.003,
      weightDecay: 0,
      lrSchedule: 'WarmupCosineLR',
      warmupIterations: 50,
    },
    test: { evalPeriod: 150 },
    checkpoint: { period: 150, maxToKeep: 2, best: 'accuracy' },
  },
  {
    /** Folder with images-*x28x28.u8 and labels-*.u8. If it is empty, `count` digits are drawn. */
    data: { root: z.string().default(''), count: z.int().min(100).default(10_000) },
    /** `width`: channels of the first convolution; `dropout`: dropout rate. */
    model: { width: z.int().positive().default(24), dropout: z.number().min(0).lt(1).default(0.25) },
  },
);

/** Two convolutions with batch norm, each followed by pooling, and one hidden layer. */
export function makeNet(width: number, dropout: number): tf.LayersModel {
  const { conv2d, batchNormalization, reLU, maxPooling2d, flatten, dense, dropout: drop } = tf.layers;
  const block = (filters: number, inputShape?: number[]) => [
    conv2d({ filters, kernelSize: 3, padding: 'same', useBias: false, ...(inputShape && { inputShape }) }),
    batchNormalization({ momentum: 0.9 }),
    reLU(),
    maxPooling2d({ poolSize: 2 }),
  ];
  return tf.sequential({
    layers: [
      ...block(width, [SIDE, SIDE, 1]),
      ...block(2 * width),
      flatten(),
      dense({ units: 8 * width, activation: 'relu' }),
      drop({ rate: dropout }),
      dense({ units: 10 }),
    ],
  });
}

export default defineTrainer({
  config,

  buildModel: ({ model }) =>
    layersModel<DigitBatch>(makeNet(model.width, model.dropout), {
      inputs: ({ image }) => image.toFloat().div(255),
      loss: (logits, { label }) => tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(tf.oneHot(label, 10), logits),
    }),

  buildTrainLoader: async ({ data, solver }, trainer) => {
    const { train } = await loadDigits(data);
    const random = trainer.random.stream('train-loader');
    return new ArrayLoader(digitFields(train), {
      batchSize: solver.batchSize,
      shuffle: true,
      repeat: true,
      random,
      transform: shiftImages,
    });
  },

  buildTestLoader: async ({ data }) => new ArrayLoader(digitFields((await loadDigits(data)).test), { batchSize: 100 }),

  buildExport: () => ({ details: { task: 'classification', classNames: '0123456789'.split(''), scores: 'logits' } }),

  buildEvaluator: () => new ClassificationEvaluator({ labels: (batch) => (batch as DigitBatch).label }),
});
