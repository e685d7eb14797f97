import { layersModel, sgd, tf, type ModelLosses, type Optimizer, type TrainableModel } from '@hookline/tfjs';

/** A tensor on the host. */
export interface HostTensor {
  readonly data: Float32Array | Int32Array;
  readonly shape: number[];
}

/** A batch on the host, and the same on the device. */
export type HostBatch = Readonly<Record<string, HostTensor>>;
export type Batch = Readonly<Record<string, tf.Tensor>>;

/** A model with its optimizer, and how often it is trained on each batch. */
export interface Trainee {
  readonly model: TrainableModel;
  readonly optimizer: (model: TrainableModel) => Optimizer;
  /** @default 1 */
  readonly times?: number;
}

/** The same training by TensorFlow.js's own `compile` and `trainOnBatch`. */
export interface FitTraining {
  readonly net: tf.LayersModel;
  readonly inputs: readonly string[];
  readonly targets: readonly string[];
  readonly loss: (truth: tf.Tensor, output: tf.Tensor) => tf.Tensor;
  readonly optimizer: tf.Optimizer;
}

/** A kind of model on synthetic data. Every build begins with the same weights. */
export interface Family {
  readonly name: string;
  /** Batch number `seed`; equal for equal seeds. */
  batch(seed: number): HostBatch;
  /** What is trained, in turn; several share variables. */
  build(): readonly Trainee[];
  /** Where `fit` can compute the same. */
  fit?(): FitTraining;
}

const RATE = 0.02;
export const plainSgd = (model: TrainableModel): Optimizer => sgd(model, { learningRate: RATE });

/** Numbers from -1 to 1 that depend on the seed alone. */
export function numbers(shape: number[], seed: number, scale = 1): HostTensor {
  const next = generator(seed);
  return { data: Float32Array.from({ length: sizeOf(shape) }, () => scale * (2 * next() - 1)), shape };
}

/** Whole numbers from `from` to `below`, exclusive. */
export function integers(shape: number[], below: number, seed: number, from = 0): HostTensor {
  const next = generator(seed);
  return { data: Int32Array.from({ length: sizeOf(shape) }, () => from + Math.floor(next() * (below - from))), shape };
}

/** Rows with a single 1. */
export function oneHot(rows: number, classes: number, seed: number): HostTensor {
  const places = integers([rows], classes, seed).data;
  const data = new Float32Array(rows * classes);
  places.forEach((place, row) => (data[row * classes + place] = 1));
  return { data, shape: [rows, classes] };
}

/** A variable of a function model. */
export const weight = (shape: number[], seed: number, scale = 0.5): tf.Variable =>
  tf.variable(tf.tensor(numbers(shape, seed, scale).data, shape));

/** A net of layers whose weights of two axes and more depend on the order of its weights alone. */
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

/** What a family of one net of layers is made of. */
export interface LayersFamily {
  readonly name: string;
  readonly net: () => tf.LayersModel;
  readonly batch: (seed: number) => HostBatch;
  /** Of each output and its target, `y` or `y0`, `y1`, ... */
  readonly loss: (truth: tf.Tensor, output: tf.Tensor) => tf.Tensor;
  /** Inputs by name. @default ['x'] */
  readonly inputs?: readonly string[];
  /** @default ['y'] */
  readonly targets?: readonly string[];
  /** Whether `fit` computes the same. @default true */
  readonly hasFit?: boolean;
}

/** A family of one net of layers with a loss for each output, trained by gradient descent. */
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

/** Numbers from 0 to 1 (mulberry32). */
function generator(seed: number): () => number {
  let state = (seed * 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
