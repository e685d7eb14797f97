import type tf from '#tfjs';
import type { ParameterKind } from '../parameters/parameter-kind.ts';

type Layer = tf.layers.Layer;

/** One weight of a tf.layers model with its stable name. */
export interface NamedWeight {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly kind: ParameterKind;
  /** Whether it is trained: its layer and all enclosing layers are trainable. */
  readonly trainable: boolean;
  /** The layer that owns the weight, never an inner model. */
  readonly layer: tf.layers.Layer;
}

/**
 * Returns the weights of a model in the order of its layers, named `layer/weight`.
 *
 * tfjs numbers unnamed layers across the whole process (`dense_Dense7/kernel`), so the same model has different names
 * when it is built twice or in another process. This function numbers such layers within the model, in its order
 * (`dense_2/kernel`), and keeps explicit names. It numbers duplicate names by their order (`dense/kernel`,
 * `dense/kernel_2`).
 */
export function nameWeights(model: tf.LayersModel): NamedWeight[] {
  const trained = new Set(model.trainableWeights.map((weight) => weight.read()));
  const rename = segmentRenamer();
  const taken = new Map<string, number>();
  const seen = new Set<tf.Tensor>();
  const weights: NamedWeight[] = [];
  for (const layer of flattenLayers(model.layers)) {
    for (const weight of layer.weights) {
      // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- a layer's weight is a variable
      const variable = weight.read() as tf.Variable;
      if (seen.has(variable)) continue;
      seen.add(variable);
      const wanted = weight.originalName.split('/').map(rename).join('/');
      const count = (taken.get(wanted) ?? 0) + 1;
      taken.set(wanted, count);
      const name = count === 1 ? wanted : `${wanted}_${count}`;
      weights.push({ name, variable, kind: kindOf(layer, wanted), trainable: trained.has(variable), layer });
    }
  }
  return weights;
}

/** Whether tfjs generated the name of a layer or a weight; such a name means nothing outside its process. */
export const isMadeUp = (name: string): boolean => name.split('/').some((segment) => AUTOMATIC.test(segment));

/** The layers of a model and of its inner models. */
function* flattenLayers(layers: readonly Layer[]): Generator<Layer> {
  for (const layer of layers) {
    const { layers: inner } = layer as { readonly layers?: readonly Layer[] };
    if (inner === undefined) yield layer;
    else yield* flattenLayers(inner);
  }
}

/**
 * The properties in which layers hold other layers: recurrent layers hold cells, and wrappers hold the wrapped layer.
 */
interface LayerParts {
  readonly layers?: readonly Layer[];
  readonly cell?: Layer;
  readonly cells?: readonly Layer[];
  readonly layer?: Layer;
  readonly forwardLayer?: Layer;
  readonly backwardLayer?: Layer;
}

/**
 * The layers of a model with all nested layers: those of inner models, the cells of recurrent layers, and wrapped
 * layers.
 */
export function* nestedLayers(layers: readonly Layer[]): Generator<Layer> {
  for (const layer of layers) {
    yield layer;
    const { layers: inner = [], cell, cells = [], layer: wrapped, forwardLayer, backwardLayer } = layer as LayerParts;
    // Bidirectional trains two copies of the layer that it was given, not that layer itself.
    const parts = forwardLayer === undefined ? [wrapped] : [forwardLayer, backwardLayer];
    yield* nestedLayers([...inner, cell, ...cells, ...parts].filter((each) => each !== undefined));
  }
}

/** A layer whose `call` can be wrapped. */
export interface CallableLayer extends Omit<Layer, 'call'> {
  call(
    this: CallableLayer,
    inputs: tf.Tensor | tf.Tensor[],
    kwargs: { readonly training?: boolean },
  ): tf.Tensor | tf.Tensor[];
}

/** A batch-norm layer, and whether it or an enclosing model is frozen. */
export interface FoundBatchNorm {
  readonly layer: CallableLayer;
  readonly isFrozen: boolean;
  /** Whether it is inside a wrapper such as TimeDistributed, which may call it several times in a pass. */
  readonly isWrapped: boolean;
}

/** The batch-norm layers of a model, including those in inner models and in wrappers. */
export function* batchNormLayers(model: tf.LayersModel): Generator<FoundBatchNorm> {
  yield* batchNormsAmong(model.layers, !model.trainable, false);
}

function* batchNormsAmong(layers: readonly Layer[], isFrozen: boolean, isWrapped: boolean): Generator<FoundBatchNorm> {
  for (const layer of layers) {
    // Freezing a model freezes its weights, but does not change `trainable` of its layers.
    const stands = isFrozen || !layer.trainable;
    const { layers: inner, layer: wrapped } = layer as { readonly layers?: readonly Layer[]; readonly layer?: Layer };
    if (layer.getClassName() === 'BatchNormalization') yield { layer, isFrozen: stands, isWrapped };
    if (inner !== undefined) yield* batchNormsAmong(inner, stands, isWrapped);
    else if (wrapped !== undefined) yield* batchNormsAmong([wrapped], stands, true);
  }
}

/** Matches tfjs's generated layer names: the class in snake case, the class, a number. Wrappers add a prefix. */
const AUTOMATIC = /^(?<start>[a-z0-9_]+)_(?<className>[A-Z][A-Za-z0-9]*?)(?<number>\d+)$/;

function segmentRenamer(): (segment: string) => string {
  const numbers = new Map<string, Map<string, number>>();
  return (segment) => {
    const { start, className, number } = AUTOMATIC.exec(segment)?.groups ?? {};
    if (start === undefined || className === undefined || number === undefined) return segment;
    if (!isSnakeCaseOf(start, className)) return segment;
    const ofClass = numbers.get(className) ?? new Map<string, number>();
    numbers.set(className, ofClass);
    const own = ofClass.get(number) ?? ofClass.size + 1;
    ofClass.set(number, own);
    return `${start}_${own}`;
  };
}

/** Compares without underscores, because the snake case of names like Conv2D varies. */
const isSnakeCaseOf = (start: string, className: string): boolean =>
  start.replaceAll('_', '').endsWith(className.toLowerCase());

function kindOf(layer: Layer, name: string): ParameterKind {
  if (layer.getClassName().endsWith('Normalization')) return 'norm';
  return name.endsWith('/bias') || name === 'bias' ? 'bias' : 'weight';
}
