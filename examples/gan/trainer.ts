import {
  adam,
  alternatingModel,
  ArrayLoader,
  defineConfig,
  defineTrainer,
  ema,
  forPart,
  gradientClipping,
  tf,
  z,
} from 'hookline';
import { SIDE } from '../digits/draw-digits.ts';
import { type DigitBatch, digitFields, loadDigits } from '../digits/load-digits.ts';

export const config = defineConfig(
  {
    output: 'runs/gan',
    solver: { batchSize: 64, maxIterations: 2500, lrSchedule: 'WarmupCosineLR', warmupIterations: 0 },
    checkpoint: { period: 500, maxToKeep: 2 },
  },
  {
    /** Folder with images-*x28x28.u8 and labels-*.u8; empty draws `count` digits. */
    data: { root: z.string().default(''), count: z.int().min(100).default(10_000) },
    model: {
      /** Numbers that an image is made from. */
      latent: z.int().positive().default(48),
      /** Channels of the first convolution of each net. */
      width: z.int().positive().default(24),
    },
  },
);

/** Noise [images, latent] to images [images, 28, 28, 1] of 0 to 1. */
export function makeGenerator(latent: number, width: number): tf.LayersModel {
  const { activation, batchNormalization, conv2d, dense, reLU, reshape, upSampling2d } = tf.layers;
  const normed = () => [batchNormalization({ momentum: 0.9 }), reLU()];
  const start = SIDE / 4;
  return tf.sequential({
    layers: [
      dense({ inputShape: [latent], units: start * start * 2 * width, useBias: false }),
      ...normed(),
      reshape({ targetShape: [start, start, 2 * width] }),
      upSampling2d({ size: [2, 2] }),
      conv2d({ filters: width, kernelSize: 3, padding: 'same', useBias: false }),
      ...normed(),
      upSampling2d({ size: [2, 2] }),
      conv2d({ filters: 1, kernelSize: 5, padding: 'same' }),
      activation({ activation: 'sigmoid' }),
    ],
  });
}

/** Images [images, 28, 28, 1] of 0 to 1 to logits [images, 1], above 0 for a real one. */
export function makeDiscriminator(width: number): tf.LayersModel {
  const { conv2d, dense, dropout, flatten, leakyReLU } = tf.layers;
  return tf.sequential({
    layers: [
      conv2d({ inputShape: [SIDE, SIDE, 1], filters: width, kernelSize: 5, strides: 2, padding: 'same' }),
      leakyReLU({ alpha: 0.2 }),
      conv2d({ filters: 2 * width, kernelSize: 5, strides: 2, padding: 'same' }),
      leakyReLU({ alpha: 0.2 }),
      flatten(),
      dropout({ rate: 0.3 }),
      dense({ units: 1 }),
    ],
  });
}

/** How far logits are from saying that all images are real, 1, or drawn by the generator, 0. */
const loss = (logits: tf.Tensor, label: number): tf.Scalar =>
  tf.losses.sigmoidCrossEntropy(tf.fill(logits.shape, label), logits);

/** An unconditional GAN: nobody tells the generator which digit to draw. */
export default defineTrainer({
  config,

  buildModel: ({ model: { latent, width }, solver: { batchSize } }) => {
    const [generator, discriminator] = [makeGenerator(latent, width), makeDiscriminator(width)];
    const inTraining = { training: true };
    const fake = () => generator.apply(tf.randomNormal([batchSize, latent]), inTraining) as tf.Tensor;
    const judge = (images: tf.Tensor) => discriminator.apply(images, inTraining) as tf.Tensor;
    return alternatingModel<DigitBatch>({
      discriminator: {
        model: discriminator,
        // Labels of 0.9 keep it from being too sure (one-sided label smoothing).
        losses: ({ image }) => ({ real: loss(judge(image.toFloat().div(255)), 0.9), fake: loss(judge(fake()), 0) }),
        optimizer: (model) => adam(model, { learningRate: 0.0006, beta1: 0.5 }),
      },
      generator: {
        model: generator,
        losses: () => loss(judge(fake()), 1),
        optimizer: (model) => adam(model, { learningRate: 0.0006, beta1: 0.5 }),
      },
    });
  },

  buildTrainLoader: async ({ data, solver }, trainer) => {
    const { train } = await loadDigits(data);
    const random = trainer.random.stream('train-loader');
    return new ArrayLoader(digitFields(train), { batchSize: solver.batchSize, shuffle: true, repeat: true, random });
  },

  plugins: [
    gradientClipping({ type: 'global-norm', clip: 5, metric: true }),
    forPart('generator', ema({ decay: 0.99 })),
  ],
});
