import { HOOK_TABLE, HookSet, HookSite, isHooklineError } from '@hookline/core';
import tf from '#tfjs';
import { BatchSource } from '../batch/batch-source.ts';
import { layersModel } from '../model/layers-model.ts';
import type { ModelLosses, TrainableModel } from '../model/trainable-model.ts';
import { sgd } from '../optim/sgd.ts';
import { createStepRunner } from './create-step-runner.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { CapturedPredictor } from './captured-predictor.ts';

type Layer = (x: tf.SymbolicTensor) => tf.SymbolicTensor;

const { layers } = tf;
const at = (iteration: number) => ({ iteration, startIteration: 0, maxIterations: 100 });
const conv = (more: object = {}) => layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same', ...more });
const one =
  (...list: tf.layers.Layer[]): Layer =>
  (x) =>
    list.reduce((y, layer) => layer.apply(y) as tf.SymbolicTensor, x);
const rows: Layer = (x) => layers.reshape({ targetShape: [8, 24] }).apply(x) as tf.SymbolicTensor;
/** Three time steps are enough for a value to pass through the state. More would only make recording slower. */
const timeSteps: Layer = (x) => layers.reshape({ targetShape: [3, 64] }).apply(x) as tf.SymbolicTensor;
const flat: Layer = (x) => layers.flatten().apply(x) as tf.SymbolicTensor;

/** tf.maximum(x, 0.1 x), which TensorFlow rewrites to LeakyRelu. */
class Leaky extends layers.Layer {
  static readonly className = 'LeakyAsMaximum';
  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
  override call(x: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [y] = [x].flat() as [tf.Tensor];
    return tf.maximum(y, y.mul(0.1));
  }
}

/** A layer without weights that applies a function of tensors. */
class Of extends layers.Layer {
  static readonly className = 'OfFunction';
  readonly #of: (x: tf.Tensor) => tf.Tensor;
  constructor(of: (x: tf.Tensor) => tf.Tensor) {
    super({});
    this.#of = of;
  }
  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
  override call(x: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return this.#of([x].flat()[0] as tf.Tensor);
  }
}

/** Multiplies the rows of its input by rows of a table, of which a step reads only some. */
class Rows extends layers.Layer {
  static readonly className = 'RowsOfTable';
  #table: tf.LayerVariable | undefined;
  override build(shape: tf.Shape): void {
    this.#table = this.addWeight('table', [9, shape.at(-1) as number], 'float32', tf.initializers.ones());
    this.built = true;
  }
  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
  override call(x: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const table = (this.#table as tf.LayerVariable).read();
    return tf.mul([x].flat()[0] as tf.Tensor, tf.gather(table, tf.tensor1d([0, 2, 0, 7], 'int32')));
  }
}

/** Keeps the largest element of each row and sets the others to 0. */
const hardMax = (x: tf.Tensor): tf.Tensor =>
  tf.where(tf.oneHot(tf.argMax(x, -1) as tf.Tensor1D, x.shape.at(-1) as number).cast('bool'), x, tf.zerosLike(x));

/** The parts of a step besides the layer. */
export interface CaseParts {
  /** @default one softmax cross-entropy */
  readonly loss?: (out: tf.Tensor, y: tf.Tensor) => ModelLosses;
  /** @default 0.9 */
  readonly momentum?: number;
}

/** The parts of those {@link LAYERS} that do not use the defaults. */
export const PARTS: Readonly<Record<string, CaseParts>> = {
  'rows of a table, plain gradient descent': { momentum: 0 },
  'several losses': {
    loss: (out, y) => ({
      class_loss: tf.losses.softmaxCrossEntropy(y, out).asScalar(),
      norm_loss: out.square().mean().mul(1e-3).asScalar(),
      hinge_loss: tf.losses.hingeLoss(y, out).asScalar(),
    }),
  },
  'several losses, one of them blind': {
    loss: (out, y) => ({
      class_loss: tf.losses.softmaxCrossEntropy(y, out).asScalar(),
      best_loss: tf.max(out.reshape([-1])).asScalar(),
    }),
  },
};

const residual = (x: tf.SymbolicTensor, filters: number, strides: number): tf.SymbolicTensor => {
  const a = one(conv({ filters, strides, useBias: false }), layers.batchNormalization(), layers.reLU())(x);
  const b = one(conv({ filters, useBias: false }), layers.batchNormalization())(a);
  const shortcut = one(conv({ filters, strides, kernelSize: 1, useBias: false }), layers.batchNormalization())(x);
  return one(layers.reLU())(layers.add().apply([b, shortcut]) as tf.SymbolicTensor);
};

/** The kinds of layers, each between images [8, 8, 3] and a dense layer. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  dense: (x) => one(layers.dense({ units: 8 }))(flat(x)),
  'dense relu': (x) => one(layers.dense({ units: 8, activation: 'relu' }))(flat(x)),
  'dense relu twice': (x) => one(layers.dense({ units: 8, activation: 'relu' }), layers.dense({ units: 8, activation: 'relu' }))(flat(x)), // prettier-ignore
  'dense relu6': (x) => one(layers.dense({ units: 8, activation: 'relu6' }))(flat(x)),
  'dense elu': (x) => one(layers.dense({ units: 8, activation: 'elu' }))(flat(x)),
  'dense leaky': (x) => one(layers.dense({ units: 8 }), layers.leakyReLU({ alpha: 0.1 }))(flat(x)),
  'dense gelu': (x) => one(layers.dense({ units: 8, activation: 'gelu' }))(flat(x)),
  'dense sigmoid': (x) => one(layers.dense({ units: 8, activation: 'sigmoid' }))(flat(x)),
  'dense tanh': (x) => one(layers.dense({ units: 8, activation: 'tanh' }))(flat(x)),
  'dense softmax': (x) => one(layers.dense({ units: 8, activation: 'softmax' }))(flat(x)),
  'dense selu': (x) => one(layers.dense({ units: 8, activation: 'selu' }))(flat(x)),
  'dense hard sigmoid': (x) => one(layers.dense({ units: 8, activation: 'hardSigmoid' }))(flat(x)),
  'dense swish': (x) => one(layers.dense({ units: 8, activation: 'swish' }))(flat(x)),
  'dense prelu': (x) => one(layers.dense({ units: 8 }), layers.prelu())(flat(x)),
  'dense maximum': (x) => {
    const [a, b] = [one(layers.dense({ units: 8 }))(flat(x)), one(layers.dense({ units: 8 }))(flat(x))];
    return layers.maximum().apply([a, b]) as tf.SymbolicTensor;
  },
  conv2d: (x) => one(conv())(x),
  'conv2d relu': (x) => one(conv({ activation: 'relu' }))(x),
  'conv2d without bias, relu': (x) => one(conv({ activation: 'relu', useBias: false }))(x),
  'conv2d 1x1 relu': (x) => one(conv({ activation: 'relu', kernelSize: 1 }))(x),
  'conv2d strides relu6': (x) => one(conv({ activation: 'relu6', strides: 2 }))(x),
  'conv2d elu': (x) => one(conv({ activation: 'elu' }))(x),
  'conv2d leaky': (x) => one(conv(), layers.leakyReLU({ alpha: 0.1 }))(x),
  'conv2d tanh': (x) => one(conv({ activation: 'tanh' }))(x),
  'conv2d transposed relu': (x) => one(layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }))(x), // prettier-ignore
  'conv1d relu': (x) => one(layers.conv1d({ filters: 8, kernelSize: 3, activation: 'relu' }))(rows(x)),
  'conv3d relu': (x) => one(layers.reshape({ targetShape: [8, 8, 3, 1] }), layers.conv3d({ filters: 2, kernelSize: 2, activation: 'relu' }))(x), // prettier-ignore
  'depthwise relu': (x) => one(layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', activation: 'relu' }))(x),
  'depthwise relu6': (x) => one(layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', activation: 'relu6' }))(x),
  'separable relu': (x) => one(layers.separableConv2d({ filters: 8, kernelSize: 3, padding: 'same', activation: 'relu' }))(x), // prettier-ignore
  'batch norm': (x) => one(conv(), layers.batchNormalization())(x),
  'batch norm relu': (x) => one(conv({ useBias: false }), layers.batchNormalization(), layers.reLU())(x),
  'batch norm relu of rows': (x) => one(layers.dense({ units: 8 }), layers.batchNormalization(), layers.reLU())(flat(x)), // prettier-ignore
  'layer norm relu': (x) => one(layers.dense({ units: 8 }), layers.layerNormalization(), layers.reLU())(flat(x)),
  'max pool': (x) => one(conv(), layers.maxPooling2d({ poolSize: 2 }))(x),
  'max pool relu': (x) => one(conv({ activation: 'relu' }), layers.maxPooling2d({ poolSize: 2 }))(x),
  'global max pool': (x) => one(conv(), layers.globalMaxPooling2d({}))(x),
  'average pool relu': (x) => one(conv({ activation: 'relu' }), layers.averagePooling2d({ poolSize: 2 }))(x),
  'global average pool': (x) => one(conv({ activation: 'relu' }), layers.globalAveragePooling2d({}))(x),
  'dropout relu': (x) => one(layers.dense({ units: 8, activation: 'relu' }), layers.dropout({ rate: 0.5 }))(flat(x)),
  lstm: (x) => one(layers.lstm({ units: 6 }))(timeSteps(x)),
  'lstm relu': (x) => one(layers.lstm({ units: 6, activation: 'relu' }))(timeSteps(x)),
  gru: (x) => one(layers.gru({ units: 6 }))(timeSteps(x)),
  'simple rnn relu': (x) => one(layers.simpleRNN({ units: 6, activation: 'relu' }))(timeSteps(x)),
  'residual relu': (x) => {
    const a = one(conv({ activation: 'relu' }))(x);
    const b = one(conv({ useBias: false }), layers.batchNormalization())(a);
    return one(layers.reLU())(layers.add().apply([a, b]) as tf.SymbolicTensor);
  },
  'residual conv bias relu': (x) => {
    const a = one(conv({ activation: 'relu' }))(x);
    const b = one(conv())(a);
    return one(layers.reLU())(layers.add().apply([a, b]) as tf.SymbolicTensor);
  },
  'leaky as a maximum': (x) => one(layers.dense({ units: 8 }), new Leaky())(flat(x)),
  'dense gelu by tanh': (x) => one(layers.dense({ units: 8, activation: 'gelu_new' }))(flat(x)),
  'dense mish': (x) => one(layers.dense({ units: 8, activation: 'mish' }))(flat(x)),
  'dense softplus': (x) => one(layers.dense({ units: 8, activation: 'softplus' }))(flat(x)),
  'dense softsign': (x) => one(layers.dense({ units: 8, activation: 'softsign' }))(flat(x)),
  'conv2d gelu': (x) => one(conv({ activation: 'gelu' }))(x),
  'conv2d gelu by tanh': (x) => one(conv({ activation: 'gelu_new' }))(x),
  'conv2d sigmoid': (x) => one(conv({ activation: 'sigmoid' }))(x),
  'conv2d swish': (x) => one(conv({ activation: 'swish' }))(x),
  'conv2d mish': (x) => one(conv({ activation: 'mish' }))(x),
  'conv2d hard swish': (x) => one(conv(), new Of((y) => y.mul(tf.relu6(y.add(3))).div(6)))(x),
  'clipped values': (x) => one(layers.dense({ units: 8 }), new Of((y) => tf.clipByValue(y, -1, 1)))(flat(x)),
  argmax: (x) => one(layers.dense({ units: 8 }), new Of(hardMax))(flat(x)),
  'rows of a table': (x) => one(layers.dense({ units: 8 }), new Rows({}))(flat(x)),
  'rows of a table, plain gradient descent': (x) => one(new Rows({}), layers.dense({ units: 8, activation: 'relu' }))(flat(x)), // prettier-ignore
  embedding: (x) => {
    const ids = new Of((y) => tf.clipByValue(y.mul(2).add(2), 0, 4).round());
    const rows = one(ids, layers.embedding({ inputDim: 5, outputDim: 3 }))(flat(x));
    return layers.add().apply([flat(rows), one(layers.dense({ units: 576 }))(flat(x))]) as tf.SymbolicTensor;
  },
  'several losses': (x) => one(conv({ activation: 'relu' }))(x),
  'several losses, one of them blind': (x) => one(layers.dense({ units: 8, activation: 'relu' }))(flat(x)),
  'batch norm without trained parameters': (x) => one(layers.batchNormalization({ scale: false, center: false }), conv({ activation: 'relu' }))(x), // prettier-ignore
  'batch norm without scale relu': (x) => one(conv({ useBias: false }), layers.batchNormalization({ scale: false }), layers.reLU())(x), // prettier-ignore
  detector: (x) => {
    const stride1 = residual(x, 4, 1);
    const stride2 = residual(stride1, 6, 2);
    const larger = one(conv({ filters: 4, kernelSize: 1 }), layers.upSampling2d({ size: [2, 2] }))(stride2);
    const y = layers.add().apply([larger, stride1]) as tf.SymbolicTensor;
    return one(conv({ filters: 6, useBias: false }), layers.batchNormalization(), layers.reLU())(y);
  },
  upsampling: (x) => one(conv({ activation: 'relu' }), layers.upSampling2d({ size: [2, 2] }))(x),
};

/** The values that a test puts at one place of the input, or of the first weight. */
const FAULTS: Readonly<Record<string, number>> = { NaN: Number.NaN, '+Inf': Infinity, '-Inf': -Infinity };

/** How a step ended. */
export interface Outcome {
  /** The value and its place, such as `NaN in the input`. */
  readonly fault: string;
  /** `done`, or the code of the error. */
  readonly end: string;
  /** Whether every variable has the same bits as before. */
  readonly isUnchanged: boolean;
  /** Whether a variable was finite before the step and is not after it. */
  readonly isPoisoned: boolean;
}

const fixed = (shape: readonly number[], seed: number): Float32Array =>
  Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin((i + 1) * 12.9898 * seed));

const crossEntropy: NonNullable<CaseParts['loss']> = (out, y) => tf.losses.softmaxCrossEntropy(y, out).asScalar();

function modelOf(layer: Layer, loss = crossEntropy): TrainableModel {
  const input = tf.input({ shape: [8, 8, 3] });
  const body = layer(input);
  const features = body.shape.length > 2 ? flat(body) : body;
  const net = tf.model({ inputs: input, outputs: layers.dense({ units: 4 }).apply(features) as tf.SymbolicTensor });
  for (const [i, each] of net.weights.entries()) {
    const shape = each.shape as number[];
    if (each.name.includes('variance')) continue;
    const values = fixed(shape, i + 1).map((value) => value * 0.3);
    tf.tidy(() => {
      each.write(tf.tensor(values, shape));
    });
  }
  return layersModel(net, { loss: (out: tf.Tensor, { y }) => loss(out, y as tf.Tensor) });
}

/** Predicts on a batch with a NaN in its first image. @returns for each output number, whether it is NaN */
export function predictionOf(layer: Layer, isCaptured: boolean): boolean[] {
  const model = modelOf(layer);
  model.training = false;
  const predictor = new CapturedPredictor({ model, capture: 'required' });
  const predict = (x: tf.Tensor) => (isCaptured ? predictor.predict(x) : model.predict?.(x)) as tf.Tensor;
  try {
    return tf.tidy(() => {
      const { x } = batchWith(Number.NaN);
      return [...predict(tf.tensor(x.data, [...x.shape])).dataSync()].map(Number.isNaN);
    });
  } finally {
    predictor.close();
    tf.disposeVariables();
  }
}

const SHAPE = [4, 8, 8, 3];
const LABELS = Float32Array.from({ length: 16 }, (_, i) => Number(i % 5 === 0));

function batchWith(value?: number) {
  const data = fixed(SHAPE, 3);
  if (value !== undefined) data[37] = value;
  return { x: { data, shape: SHAPE }, y: { data: LABELS, shape: [4, 4] } };
}

/** Runs two good steps, then one for each fault in the input and in the first weight, each from good weights. */
export async function outcomesOf(
  layer: Layer,
  isCaptured: boolean,
  { loss, momentum = 0.9 }: CaseParts = {},
): Promise<Outcome[]> {
  const model = modelOf(layer, loss);
  const faults = Object.entries(FAULTS);
  const batches = [batchWith(), batchWith(), ...faults.map(([, value]) => batchWith(value)), ...faults.map(() => batchWith())]; // prettier-ignore
  const runner = createStepRunner({
    model,
    optimizer: sgd(model, { learningRate: 0.01, momentum }),
    source: new BatchSource(batches as never),
    hooks: new HookSet('engine', HOOK_TABLE, new HookSite()).byName,
    scope: new RunnerScope({ random: 3 }),
    capture: isCaptured ? 'required' : 'off',
  });
  const variables = [...model.trainable().values(), ...model.state().values()];
  const values = () => variables.map((variable) => variable.dataSync<'float32'>().slice());
  const write = (variable: tf.Variable, to: Float32Array) => {
    tf.tidy(() => variable.assign(tf.tensor(to.slice(), variable.shape)));
  };
  const isBad = (all: readonly Float32Array[]) => all.map((each) => each.some((value) => !Number.isFinite(value)));
  let iteration = 0;
  const step = async (): Promise<string> => {
    try {
      await runner.run(at(iteration++));
      return 'done';
    } catch (error) {
      return isHooklineError(error) ? error.code : String(error);
    }
  };
  const outcomes: Outcome[] = [];
  try {
    if ((await step()) !== 'done' || (await step()) !== 'done') throw new Error('a good step failed');
    const good = values();
    for (const place of ['input', 'weight']) {
      for (const [name, value] of faults) {
        if (place === 'weight') write(variables[0] as tf.Variable, (good[0] as Float32Array).with(1, value));
        const before = values();
        const end = await step();
        const after = values();
        outcomes.push({
          fault: `${name} in the ${place}`,
          end,
          isUnchanged: after.every((each, i) => Buffer.compare(Buffer.from(each.buffer), Buffer.from(before[i]!.buffer)) === 0), // prettier-ignore
          isPoisoned: isBad(after).some((each, i) => each && !isBad(before)[i]),
        });
        for (const [i, variable] of variables.entries()) write(variable, good[i] as Float32Array);
      }
    }
    return outcomes;
  } finally {
    await runner.close?.();
    tf.disposeVariables();
  }
}
