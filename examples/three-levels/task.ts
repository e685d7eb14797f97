import { ArrayLoader, layersModel, RandomStream, tf, type TrainableModel } from 'hookline';

/** A batch on the device: points [batch, 2] and the spiral arm of each [batch, 1]. */
export interface SpiralBatch {
  readonly point: tf.Tensor2D;
  readonly arm: tf.Tensor2D;
}

const SAMPLES = 400;
const BATCH = 40;
export const LEARNING_RATE = 0.5;
export const STEPS = 200;

/** A loader of two interleaved spirals. The seed determines the order of the samples. */
export function makeLoader(seed: number) {
  const random = new RandomStream(seed, 'spirals');
  const point = new Float32Array(SAMPLES * 2);
  const arm = new Float32Array(SAMPLES);
  for (let index = 0; index < SAMPLES; index++) {
    arm[index] = index % 2;
    const along = random.float();
    const angle = 4 * along + Math.PI * (index % 2);
    point[2 * index] = along * Math.cos(angle) + 0.02 * random.normal();
    point[2 * index + 1] = along * Math.sin(angle) + 0.02 * random.normal();
  }
  const fields = {
    point: { data: point, shape: [SAMPLES, 2] as const },
    arm: { data: arm, shape: [SAMPLES, 1] as const },
  };
  return new ArrayLoader(fields, { batchSize: BATCH, shuffle: true, repeat: true, random });
}

/** A small network. The same seed gives the same initial weights. */
export function makeModel(seed: number): TrainableModel {
  const kernelInitializer = (layer: number) => tf.initializers.glorotNormal({ seed: 10 * seed + layer });
  const net = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [2], units: 24, activation: 'tanh', kernelInitializer: kernelInitializer(1) }),
      tf.layers.dense({ units: 24, activation: 'tanh', kernelInitializer: kernelInitializer(2) }),
      tf.layers.dense({ units: 1, kernelInitializer: kernelInitializer(3) }),
    ],
  });
  return layersModel<SpiralBatch>(net, {
    inputs: ({ point }) => point,
    loss: (logits, { arm }) => tf.losses.sigmoidCrossEntropy<tf.Tensor, tf.Scalar>(arm, logits),
  });
}

/** The weights as plain numbers, by name. */
export function weightsOf(model: TrainableModel): Record<string, readonly number[]> {
  return Object.fromEntries([...model.trainable()].map(([name, variable]) => [name, [...variable.dataSync()]]));
}
