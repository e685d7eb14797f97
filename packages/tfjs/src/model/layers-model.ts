import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import tf from '#tfjs';
import type { WeightTable } from './weight-table.ts';
import { keepFrozenBatchNorms } from './frozen-batch-norms.ts';
import { nameWeights, nestedLayers } from './layer-names.ts';
import { layersBatchNorms } from './layers-batch-norms.ts';
import { layersStates } from './layers-states.ts';
import type { ModelLosses, TrainableModel } from './trainable-model.ts';

/** Options of {@link layersModel}. */
export interface LayersModelOptions<Batch, Outputs> {
  /** Computes the losses from the model's outputs and the batch: a scalar, or named scalars. */
  readonly loss: (outputs: Outputs, batch: Batch) => ModelLosses;
  /**
   * Selects the model's inputs from a batch.
   * @default the batch itself if it is a tensor, its first element if it is an array, else its `inputs`, `x` or `xs`
   */
  readonly inputs?: (batch: Batch) => tf.Tensor | tf.Tensor[];
  /**
   * Scalars to store for each train step besides the losses, by name, each computed from the outputs and the batch.
   *
   * @example { accuracy: (logits, { y }) => tf.metrics.categoricalAccuracy(y, logits).mean() }
   */
  readonly metrics?: Readonly<Record<string, (outputs: Outputs, batch: Batch) => tf.Scalar>>;
  /** The names and axis layouts of the variables in PyTorch's files, for loading pretrained weights. */
  readonly weightTable?: WeightTable;
  /** @default the name of the tf.layers model */
  readonly name?: string;
}

const OPTIONS = {
  loss: true,
  inputs: true,
  metrics: true,
  weightTable: true,
  name: true,
} satisfies OptionNames<LayersModelOptions<never, never>>;

/** A tf.layers model that can be trained. */
export interface TrainableLayersModel extends TrainableModel {
  /** The tf.layers model that was passed in. */
  readonly layers: tf.LayersModel;
  predict(inputs: unknown): tf.Tensor | tf.Tensor[];
}

/**
 * Makes a tf.layers model trainable. Its regularizers are added to the losses, as `regularization_loss` when the losses
 * are named, and its constraints are applied after each update. Both include nested layers, such as the cell of a
 * recurrent layer; `model.fit` ignores the regularizers of recurrent layers, and all constraints. Which variables are
 * trainable, regularized and constrained is read once, here, so freeze layers before. A frozen batch norm stays fixed,
 * as in Keras: it normalises by its moving statistics in train mode too, and does not change them. The state of
 * stateful recurrent layers is part of the model's state: it is saved and restored, and, as in tf.layers, every pass
 * advances it, also in eval mode.
 *
 * @example layersModel(net, { loss: (logits, { y }) => tf.losses.softmaxCrossEntropy(y, logits) })
 * @throws HooklineError `HKL_MODEL_NOT_BUILT` when the model has no weights yet, `HKL_OPTION_UNKNOWN` for a misspelt option
 */
export function layersModel<Batch = { x: tf.Tensor; y: tf.Tensor }, Outputs = tf.Tensor>(
  layers: tf.LayersModel,
  options: LayersModelOptions<Batch, Outputs>,
): TrainableLayersModel {
  assertKnownOptions('layersModel', options, OPTIONS);
  const {
    loss,
    weightTable,
    metrics = {},
    name = layers.name,
    inputs = (batch: Batch) => findInputs(batch, name),
  } = options;
  const weights = namedWeights(layers, name);
  keepFrozenBatchNorms(layers);
  const trainable = new Map(
    weights.filter((weight) => weight.trainable).map((weight) => [weight.name, weight.variable]),
  );
  const state = new Map(weights.filter((weight) => !weight.trainable).map((weight) => [weight.name, weight.variable]));
  for (const [key, variable] of layersStates(layers)) state.set(key, variable);
  const kinds = new Map(weights.map((weight) => [weight.name, weight.kind]));
  const parts = [...nestedLayers(layers.layers)];
  // tfjs skips the regularizers of a sequential model and those of a recurrent layer's cell. Wrappers also list the
  // regularizers of the layer that they wrap, so use each function once.
  const regularizers = [...new Set(parts.flatMap((layer) => layer.losses))];
  const constraints = findConstraints(parts, trainable);
  const predict = (of: unknown): tf.Tensor | tf.Tensor[] =>
    tf.tidy(() => layers.apply(of as tf.Tensor, { training: model.training }) as tf.Tensor | tf.Tensor[]);
  const model: TrainableLayersModel = {
    name,
    layers,
    training: true,
    trainable: () => trainable,
    state: () => state,
    kindOf: (key) => kinds.get(key) ?? 'weight',
    batchNorms: () => layersBatchNorms(layers),
    losses: (batch, scope) => {
      const outputs = layers.apply(inputs(batch as Batch), { training: model.training }) as Outputs;
      const losses = loss(outputs, batch as Batch);
      if (scope !== undefined)
        for (const [key, metric] of Object.entries(metrics)) scope.metric(key, metric(outputs, batch as Batch));
      return regularizers.length === 0 ? losses : addRegularization(losses, regularizers);
    },
    ...(constraints.size === 0 ? {} : { constrain: (updated) => constrain(constraints, updated) }),
    ...(weightTable === undefined ? {} : { weightTable: () => weightTable }),
    inputs: (batch) => inputs(batch as Batch),
    predict,
  };
  return model;
}

function namedWeights(layers: tf.LayersModel, name: string): ReturnType<typeof nameWeights> {
  // An unbuilt sequential model throws here; other unbuilt models have no weights.
  let weights: ReturnType<typeof nameWeights> = [];
  let cause: unknown;
  try {
    weights = nameWeights(layers);
  } catch (error) {
    cause = error;
  }
  if (weights.length > 0) return weights;
  throw new HooklineError('HKL_MODEL_NOT_BUILT', 'the model has no weights', {
    who: `model "${name}"`,
    fix: 'Give its first layer an inputShape, or call build(...), before handing it over',
    cause,
  });
}

type Regularizer = () => tf.Scalar;

function addRegularization(losses: ModelLosses, regularizers: readonly Regularizer[]): ModelLosses {
  const terms = regularizers.map((regularizer) => regularizer());
  const regularization = tf.addN(terms.map((term) => term.mean())).asScalar();
  if (losses instanceof tf.Tensor) return losses.add(regularization);
  return { ...losses, regularization_loss: regularization };
}

/** A constraint of tf.layers. */
interface Constraint {
  apply(weight: tf.Tensor): tf.Tensor;
}

/** A variable and the constraint of its layer. */
interface Constrained {
  readonly variable: tf.Variable;
  readonly constraint: Constraint;
}

/** Finds the trained variables with a constraint, by name. */
function findConstraints(
  layers: readonly tf.layers.Layer[],
  trained: ReadonlyMap<string, tf.Variable>,
): Map<string, Constrained> {
  const names = new Map([...trained].map(([name, variable]) => [variable, name]));
  const found = new Map<string, Constrained>();
  for (const { weights } of layers) {
    for (const weight of weights) {
      const { constraint } = weight as unknown as { readonly constraint?: Constraint | null };
      // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- a layer's weight is a variable
      const variable = weight.read() as tf.Variable;
      const name = names.get(variable);
      if (constraint && name !== undefined) found.set(name, { variable, constraint });
    }
  }
  return found;
}

function constrain(constraints: ReadonlyMap<string, Constrained>, updated: ReadonlySet<string>): void {
  for (const [name, { variable, constraint }] of constraints) {
    if (updated.has(name)) tf.tidy(() => variable.assign(constraint.apply(variable)));
  }
}

function findInputs(batch: unknown, name: string): tf.Tensor | tf.Tensor[] {
  if (batch instanceof tf.Tensor) return batch;
  if (Array.isArray(batch) && batch[0] instanceof tf.Tensor) return batch[0];
  const { inputs, x, xs } = (typeof batch === 'object' && batch !== null ? batch : {}) as Record<string, unknown>;
  const found = inputs ?? x ?? xs;
  if (found !== undefined) return found as tf.Tensor;
  const keys = typeof batch === 'object' && batch !== null ? Object.keys(batch).join(', ') : typeof batch;
  throw new HooklineError('HKL_BATCH_INPUTS', `no inputs found in the batch (${keys})`, {
    who: `model "${name}"`,
    fix: 'Say where they are: layersModel(model, { inputs: (batch) => batch.image, ... })',
  });
}
