import { adam, layersModel, tf, type TrainableModel } from '@hookline/tfjs';
import { numbers, seeded, type Batch, type Family } from './family.ts';

const ROWS = 16;
const { layers } = tf;
const slowAdam = (model: TrainableModel) => adam(model, { learningRate: 1e-3, beta1: 0.5, beta2: 0.9 });

/** A variational autoencoder, which samples its latent vector. */
const vae: Family = {
  name: 'vae',
  batch: (seed) => ({ x: numbers([ROWS, 24], seed) }),
  build: () => {
    const input = tf.input({ shape: [24] });
    const hidden = layers.dense({ units: 16, activation: 'tanh' }).apply(input) as tf.SymbolicTensor;
    const code = layers.dense({ units: 8 }).apply(hidden) as tf.SymbolicTensor;
    const encoder = seeded(tf.model({ inputs: input, outputs: code }));
    const decoder = seeded(
      tf.sequential({
        layers: [layers.dense({ inputShape: [4], units: 16, activation: 'tanh' }), layers.dense({ units: 24 })],
      }),
    );
    const both = layersModel<Batch>(joined(encoder, decoder), {
      inputs: ({ x }) => x as tf.Tensor,
      loss: (_, { x }) => {
        const [mean, logVariance] = tf.split(encoder.apply(x as tf.Tensor) as tf.Tensor, 2, 1) as [
          tf.Tensor,
          tf.Tensor,
        ];
        const sample = mean.add(logVariance.mul(0.5).exp().mul(tf.randomNormal(mean.shape)));
        const again = decoder.apply(sample) as tf.Tensor;
        return {
          error: (x as tf.Tensor).sub(again).square().mean().asScalar(),
          divergence: mean.square().add(logVariance.exp()).sub(logVariance).sub(1).mean().mul(0.05).asScalar(),
        };
      },
    });
    return [{ model: both, optimizer: slowAdam }];
  },
};

/** One model that owns the weights of both nets. Its forward pass is not used. */
function joined(encoder: tf.LayersModel, decoder: tf.LayersModel): tf.LayersModel {
  const input = tf.input({ shape: [24] });
  const code = encoder.apply(input) as tf.SymbolicTensor;
  const half = layers
    .dense({ units: 4, trainable: false, useBias: false, kernelInitializer: 'ones', name: 'half' })
    .apply(code) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: decoder.apply(half) as tf.SymbolicTensor });
}

/** WGAN-GP: a critic with batch norm and a gradient penalty, and a generator. Two optimizers update shared variables in turn. */
const wganGp: Family = {
  name: 'wgan_gp',
  batch: (seed) => ({
    real: numbers([ROWS, 8], seed),
    noise: numbers([ROWS, 4], seed + 1000),
    mix: numbers([ROWS, 1], seed + 2000, 0.5),
  }),
  build: () => {
    // No bias: the critic's batch norm cancels it, so its gradient is rounding error, which Adam would scale up like any other.
    const generator = seeded(
      tf.sequential({
        layers: [
          layers.dense({ inputShape: [4], units: 16, activation: 'relu' }),
          layers.dense({ units: 8, useBias: false }),
        ],
      }),
    );
    const critic = seeded(
      tf.sequential({
        layers: [
          layers.dense({ inputShape: [8], units: 16, useBias: false }),
          layers.batchNormalization(),
          layers.leakyReLU({ alpha: 0.2 }),
          layers.dense({ units: 1, useBias: false }),
        ],
      }),
    );
    const judge = (x: tf.Tensor): tf.Tensor => critic.apply(x, { training: true }) as tf.Tensor;
    const make = (noise: tf.Tensor): tf.Tensor => generator.apply(noise, { training: true }) as tf.Tensor;
    const criticModel = layersModel<Batch>(critic, {
      name: 'critic',
      inputs: ({ real }) => real as tf.Tensor,
      loss: (scores, { real, noise, mix }) => {
        const fake = make(noise as tf.Tensor);
        const share = (mix as tf.Tensor).add(0.5);
        const between = (real as tf.Tensor).mul(share).add(fake.mul(tf.scalar(1).sub(share)));
        const slope = tf.grad((x: tf.Tensor) => judge(x).sum())(between);
        const penalty = slope.square().sum(1).add(1e-8).sqrt().sub(1).square().mean().mul(10);
        return { critic: judge(fake).mean().sub(scores.mean()).asScalar(), penalty: penalty.asScalar() };
      },
    });
    const generatorModel = layersModel<Batch>(generator, {
      name: 'generator',
      inputs: ({ noise }) => noise as tf.Tensor,
      loss: (fake) => judge(fake).mean().neg().asScalar(),
    });
    return [
      { model: criticModel, optimizer: slowAdam, times: 2 },
      { model: generatorModel, optimizer: slowAdam },
    ];
  },
};

export const GENERATIVE_FAMILIES: readonly Family[] = [vae, wganGp];
