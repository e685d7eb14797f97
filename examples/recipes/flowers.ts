import { adam, layersModel, RandomStream, SimpleTrainer, type SimpleTrainerOptions, tf } from 'hookline';

/** A batch on the device: measurements of flowers [batch, 2] and their kinds [batch]. */
export interface FlowerBatch {
  readonly x: tf.Tensor2D;
  readonly y: tf.Tensor1D;
}

const random = new RandomStream(1, 'flowers');
/** Sixty flowers of two kinds, with two measurements each. The second kind is rare. */
export const flowers = Array.from({ length: 60 }, (_, index) => {
  const kind = index % 5 === 0 ? 1 : 0;
  return { measures: [kind + 0.4 * random.normal(), kind - 0.4 * random.normal()], kind };
});

/** Fields for an `ArrayLoader`. */
export const fieldsOf = (chosen: typeof flowers) => ({
  x: { data: Float32Array.from(chosen.flatMap(({ measures }) => measures)), shape: [chosen.length, 2] as const },
  y: { data: Int32Array.from(chosen, ({ kind }) => kind), shape: [chosen.length] as const },
});

export const makeNet = () =>
  tf.sequential({
    layers: [tf.layers.dense({ inputShape: [2], units: 8, activation: 'relu' }), tf.layers.dense({ units: 2 })],
  });

/** A trainer that classifies flowers, on the given data. */
export const flowerTrainer = (
  options: Pick<SimpleTrainerOptions, 'data'> & Partial<SimpleTrainerOptions>,
  learningRate = 0.05,
) =>
  new SimpleTrainer({
    device: 'auto',
    seed: 1,
    model: () =>
      layersModel<FlowerBatch>(makeNet(), {
        loss: (logits, { y }) => tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(tf.oneHot(y, 2), logits),
      }),
    optimizer: (model) => adam(model, { learningRate }),
    ...options,
  });
