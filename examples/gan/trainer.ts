import { adam, alternatingModel, ArrayLoader, defineConfig, defineTrainer, ema, forPart, tf, z } from 'hookline';
import { SIDE } from '../digits/draw-digits.ts';
import { type DigitBatch, digitFields, loadDigits } from '../digits/load-digits.ts';

export const config = defineConfig(
  {
    output: 'runs/gan',
    solver: { batchSize: 64, maxIterations: 4000, lrSchedule: 'WarmupCosineLR', warmupIterations: 0 },
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

/**
 * Adds to the features of each image how much the features differ within the batch (minibatch standard deviation, Karras et al., 2018),
 * by which a discriminator sees a generator that always draws the same.
 */
class BatchSpread extends tf.layers.Layer {
  static readonly className = 'BatchSpread';

  override computeOutputShape([images, features]: tf.Shape): tf.Shape {
    return [images ?? null, (features ?? 0) + 1];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = Array.isArray(inputs) ? (inputs[0] as tf.Tensor) : inputs;
      const spread = tf.moments(x, 0).variance.add(1e-8).sqrt().mean();
      return tf.concat([x, tf.fill([x.shape[0] ?? 0, 1], 1).mul(spread)], 1);
    });
  }
}

/** Images [images, 28, 28, 1] of 0 to 1 to logits [images, 1], above 0 for a real one. */
export function makeDiscriminator(width: number): tf.LayersModel {
  const { conv2d, dense, flatten, leakyReLU } = tf.layers;
  return tf.sequential({
    layers: [
      conv2d({ inputShape: [SIDE, SIDE, 1], filters: width, kernelSize: 5, strides: 2, padding: 'same' }),
      leakyReLU({ alpha: 0.2 }),
      conv2d({ filters: 2 * width, kernelSize: 5, strides: 2, padding: 'same' }),
      leakyReLU({ alpha: 0.2 }),
      flatten(),
      new BatchSpread({}),
      dense({ units: 1 }),
    ],
  });
}

/** Bytes to numbers from 0 to 1, without the noise of the drawn digits, which no generator could learn. */
const clean = (bytes: tf.Tensor): tf.Tensor => bytes.toFloat().sub(60).div(195).relu();

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
        losses: ({ image }) => ({ real: loss(judge(clean(image)), 0.9), fake: loss(judge(fake()), 0) }),
        optimizer: (model) => adam(model, { learningRate: 0.0005, beta1: 0.5 }),
      },
      generator: {
        model: generator,
        losses: () => loss(judge(fake()), 1),
        optimizer: (model) => adam(model, { learningRate: 0.0005, beta1: 0.5 }),
      },
    });
  },

  buildTrainLoader: async ({ data, solver }, trainer) => {
    const { train } = await loadDigits(data);
    const random = trainer.random.stream('train-loader');
    return new ArrayLoader(digitFields(train), { batchSize: solver.batchSize, shuffle: true, repeat: true, random });
  },

  plugins: [forPart('generator', ema({ decay: 0.995 }))],
});
