import { layersModel, sgd, tf, type ModelLosses, type Optimizer, type TrainableModel } from '@hookline/tfjs';

/** A tensor on the host. */
export interface HostTensor {
  readonly data: Float32Array | Int32Array;
  readonly shape: number[];
}

/** A batch on the host; {@link Batch} is the same on the device. */
export type HostBatch = Readonly<Record<string, HostTensor>>;
export type Batch = Readonly<Record<string, tf.Tensor>>;

/** A model, its optimizer, and the number of train steps per batch. */
export interface Trainee {
  readonly model: TrainableModel;
  readonly optimizer: (model: TrainableModel) => Optimizer;
  /** @default 1 */
  readonly times?: number;
}

/** The same training with TensorFlow.js's own `compile` and `trainOnBatch`. */
export interface FitTraining {
  readonly net: tf.LayersModel;
  readonly inputs: readonly string[];
  readonly targets: readonly string[];
  readonly loss: (truth: tf.Tensor, output: tf.Tensor) => tf.Tensor;
  readonly optimizer: tf.Optimizer;
}

/** A kind of model on synthetic data. Every build has the same initial weights. */
export interface Family {
  readonly name: string;
  /** Makes a batch. Equal seeds give equal batches. */
  batch(seed: number): HostBatch;
  /** Builds the models, which are trained in turn. They may share variables. */
  build(): readonly Trainee[];
  /** The same training for `fit`; absent if `fit` cannot compute the same. */
  fit?(): FitTraining;
}

const RATE = 0.02;
export const plainSgd = (model: TrainableModel): Optimizer => sgd(model, { learningRate: RATE });

/** Float32 numbers from -`scale` to `scale` (1 by default) that depend only on the seed. */
export function numbers(shape: number[], seed: number, scale = 1): HostTensor {
  const next = generator(seed);
  return { data: Float32Array.from({ length: sizeOf(shape) }, () => scale * (2 * next() - 1)), shape };
}

/** Int32 numbers from `from` (0 by default) up to but not including `below`. */
export function integers(shape: number[], below: number, seed: number, from = 0): HostTensor {
  const next = generator(seed);
  return { data: Int32Array.from({ length: sizeOf(shape) }, () => from + Math.floor(next() * (below - from))), shape };
}

/** One-hot rows [rows, classes]. */
export function oneHot(rows: number, classes: number, seed: number): HostTensor {
  const places = integers([rows], classes, seed).data;
  const data = new Float32Array(rows * classes);
  places.forEach((place, row) => (data[row * classes + place] = 1));
  return { data, shape: [rows, classes] };
}

/** A variable for a model that is written as a function. */
export const weight = (shape: number[], seed: number, scale = 0.5): tf.Variable =>
  tf.variable(tf.tensor(numbers(shape, seed, scale).data, shape));

/** Replaces all weights of rank 2 or more by numbers that depend only on the order of the weights. @returns the net */
export function seeded<T extends tf.LayersModel>(net: T): T {
  tf.tidy(() => {
    const values = net.getWeights().map((tensor, place) => {
      if (tensor.shape.length < 2) return tensor;
      const fanIn = tensor.size / (tensor.shape.at(-1) as number);
      return tf.tensor(numbers(tensor.shape, 100 + place, Math.sqrt(2 / fanIn)).data, tensor.shape);
    });
    net.setWeights(values);
  });
  return net;
}

/** The description of a family that consists of one net of layers. */
export interface LayersFamily {
  readonly name: string;
  readonly net: () => tf.LayersModel;
  readonly batch: (seed: number) => HostBatch;
  /** The loss of one output and its target. */
  readonly loss: (truth: tf.Tensor, output: tf.Tensor) => tf.Tensor;
  /** Names of the inputs in the batch. @default ['x'] */
  readonly inputs?: readonly string[];
  /** Names of the targets in the batch, one for each output. @default ['y'] */
  readonly targets?: readonly string[];
  /** Whether `fit` computes the same. @default true */
  readonly hasFit?: boolean;
}

/** Makes a family of one net of layers with a loss for each output, trained by gradient descent. */
export function layersFamily({
  name,
  net,
  batch,
  loss,
  inputs = ['x'],
  targets = ['y'],
  hasFit = true,
}: LayersFamily): Family {
  const pick = (of: Batch, names: readonly string[]): tf.Tensor[] => names.map((each) => of[each] as tf.Tensor);
  return {
    name,
    batch,
    build: () => [
      {
        model: layersModel<Batch, tf.Tensor | tf.Tensor[]>(seeded(net()), {
          inputs: (of) => (inputs.length === 1 ? (pick(of, inputs)[0] as tf.Tensor) : pick(of, inputs)),
          loss: (outputs, of): ModelLosses => {
            const truths = pick(of, targets);
            const terms = [outputs].flat().map((each, place) =>
              loss(truths[place] as tf.Tensor, each)
                .mean()
                .asScalar(),
            );
            return terms.length === 1
              ? (terms[0] as tf.Scalar)
              : Object.fromEntries(terms.map((term, place) => [`loss_${place}`, term]));
          },
        }),
        optimizer: plainSgd,
      },
    ],
    ...(hasFit ? { fit: () => ({ net: seeded(net()), inputs, targets, loss, optimizer: tf.train.sgd(RATE) }) } : {}),
  };
}

export const squaredError = (truth: tf.Tensor, output: tf.Tensor): tf.Tensor =>
  tf.losses.meanSquaredError(truth, output);
export const crossEntropy = (truth: tf.Tensor, logits: tf.Tensor): tf.Tensor =>
  tf.losses.softmaxCrossEntropy(truth, logits);

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** A generator of uniform random numbers from 0 to 1 (mulberry32). */
function generator(seed: number): () => number {
  let state = (seed * 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
