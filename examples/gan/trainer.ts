import { adam, alternatingModel, ArrayLoader, defineConfig, defineTrainer, ema, forPart, tf, z } from 'hookline';
import { SIDE } from '../digits/draw-digits.ts';
import { type DigitBatch, digitFields, loadDigits } from '../digits/load-digits.ts';

export const config = defineConfig(
  {
    output: 'runs/gan',
    solver: { batchSize: 64, maxIterations: 1500, lrSchedule: 'WarmupCosineLR', warmupIterations: 0 },
    checkpoint: { period: 500, maxToKeep: 2 },
  },
  {
    /** Folder with images-*x28x28.u8 and labels-*.u8. If it is empty, `count` digits are drawn. */
    data: { root: z.string().default(''), count: z.int().min(100).default(10_000) },
    model: {
      /** Size of the noise vector. */
      latent: z.int().positive().default(32),
      /** Channels of the first convolution of each net. */
      width: z.int().positive().default(24),
    },
  },
);

/** The number of classes. */
export const DIGITS = 10;

/** Maps noise and one-hot digits, [images, latent + 10], to images [images, 28, 28, 1] with values from 0 to 1. */
export function makeGenerator(latent: number, width: number): tf.LayersModel {
  const { activation, batchNormalization, conv2d, dense, reLU, reshape, upSampling2d } = tf.layers;
  const normed = () => [batchNormalization({ momentum: 0.9 }), reLU()];
  const start = SIDE / 4;
  return tf.sequential({
    layers: [
      dense({ inputShape: [latent + DIGITS], units: start * start * 2 * width, useBias: false }),
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

/** Maps images [images, 28, 28, 1] to logits [images, 10]: a value above 0 means a real image of that digit. */
export function makeDiscriminator(width: number): tf.LayersModel {
  const { conv2d, dense, flatten, leakyReLU } = tf.layers;
  return tf.sequential({
    layers: [
      conv2d({ inputShape: [SIDE, SIDE, 1], filters: width, kernelSize: 5, strides: 2, padding: 'same' }),
      leakyReLU({ alpha: 0.2 }),
      conv2d({ filters: 2 * width, kernelSize: 5, strides: 2, padding: 'same' }),
      leakyReLU({ alpha: 0.2 }),
      flatten(),
      dense({ units: DIGITS }),
    ],
  });
}

/** Scales bytes to values from 0 to 1 and removes the noise of the drawn digits, which no generator could learn. */
export const clean = (bytes: tf.Tensor): tf.Tensor => bytes.toFloat().sub(60).div(195).relu();

/** Binary cross entropy of logits against one label for all images: 1 for real, 0 for generated. */
export const loss = (logits: tf.Tensor, label: number): tf.Scalar =>
  tf.losses.sigmoidCrossEntropy(tf.fill(logits.shape, label), logits);

/** A conditional GAN: the generator and the discriminator both receive the digit that an image should show. */
export default defineTrainer({
  config,

  buildModel: ({ model: { latent, width } }) => {
    const [generator, discriminator] = [makeGenerator(latent, width), makeDiscriminator(width)];
    const training = { training: true };
    const oneHot = ({ label }: DigitBatch) => tf.oneHot(label, DIGITS).toFloat();
    /** Generated images of the digits in the batch. */
    const fake = (batch: DigitBatch) => {
      const digits = oneHot(batch);
      return generator.apply(
        tf.concat([tf.randomNormal([batch.label.size, latent]), digits], 1),
        training,
      ) as tf.Tensor;
    };
    const judge = (images: tf.Tensor, batch: DigitBatch) =>
      (discriminator.apply(images, training) as tf.Tensor).mul(oneHot(batch)).sum(1);
    return alternatingModel<DigitBatch>({
      discriminator: {
        model: discriminator,
        // One-sided label smoothing (0.9 for real images) prevents overconfidence.
        losses: (batch) => ({
          real: loss(judge(clean(batch.image), batch), 0.9),
          fake: loss(judge(fake(batch), batch), 0),
        }),
        optimizer: (model) => adam(model, { learningRate: 0.001, beta1: 0.5 }),
      },
      generator: {
        model: generator,
        losses: (batch) => loss(judge(fake(batch), batch), 1),
        optimizer: (model) => adam(model, { learningRate: 0.0007, beta1: 0.5 }),
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
