import type tf from '#tfjs';
import type { ParameterKind } from '../parameters/parameter-kind.ts';

type Layer = tf.layers.Layer;

/** One weight of a tf.layers model under its stable name. */
export interface NamedWeight {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly kind: ParameterKind;
  /** Whether its layer and the layers around it train it. */
  readonly trainable: boolean;
  /** The layer that it is of, none of whose weights stand elsewhere. */
  readonly layer: tf.layers.Layer;
}

/**
 * The weights of a model in the order of its layers, named `layer/weight`.
 *
 * tfjs numbers layers without a name throughout the process (`dense_Dense7/kernel`), so the same model built twice, or
 * in another process, has other names. Here such layers are numbered within the model, in its order (`dense_2/kernel`);
 * names that were given stay. Names that meet are told apart by their order (`dense/kernel`, `dense/kernel_2`).
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

/** Whether tfjs has made up the name of a layer or a weight, which says nothing then outside of its process. */
export const isMadeUp = (name: string): boolean => name.split('/').some((segment) => AUTOMATIC.test(segment));

/** The layers of a model and of the models in it. */
function* flattenLayers(layers: readonly Layer[]): Generator<Layer> {
  for (const layer of layers) {
    const { layers: inner } = layer as { readonly layers?: readonly Layer[] };
    if (inner === undefined) yield layer;
    else yield* flattenLayers(inner);
  }
}

/** What layers keep other layers in: recurrent layers their cells, wrappers what they wrap. */
interface LayerParts {
  readonly layers?: readonly Layer[];
  readonly cell?: Layer;
  readonly cells?: readonly Layer[];
  readonly layer?: Layer;
  readonly forwardLayer?: Layer;
  readonly backwardLayer?: Layer;
}

/** The layers of a model, and all that is in them: the layers of inner models, the cells of recurrent layers, what is wrapped. */
export function* nestedLayers(layers: readonly Layer[]): Generator<Layer> {
  for (const layer of layers) {
    yield layer;
    const { layers: inner = [], cell, cells = [], layer: wrapped, forwardLayer, backwardLayer } = layer as LayerParts;
    // Bidirectional trains two copies of the layer that it was given, and not that one.
    const parts = forwardLayer === undefined ? [wrapped] : [forwardLayer, backwardLayer];
    yield* nestedLayers([...inner, cell, ...cells, ...parts].filter((each) => each !== undefined));
  }
}

/** What a layer does, as those see it who wrap it. */
export interface CallableLayer extends Omit<Layer, 'call'> {
  call(
    this: CallableLayer,
    inputs: tf.Tensor | tf.Tensor[],
    kwargs: { readonly training?: boolean },
  ): tf.Tensor | tf.Tensor[];
}

/** A batch-norm layer, and whether it, or a model around it, is frozen. */
export interface FoundBatchNorm {
  readonly layer: CallableLayer;
  readonly isFrozen: boolean;
  /** Whether it stands in a wrapper such as TimeDistributed, which may call it several times in a pass. */
  readonly isWrapped: boolean;
}

/** The batch-norm layers of a model, of the models in it and of wrappers. */
export function* batchNormLayers(model: tf.LayersModel): Generator<FoundBatchNorm> {
  yield* batchNormsAmong(model.layers, !model.trainable, false);
}

function* batchNormsAmong(layers: readonly Layer[], isFrozen: boolean, isWrapped: boolean): Generator<FoundBatchNorm> {
  for (const layer of layers) {
    // Freezing a model freezes the weights in it, but says nothing to its layers.
    const stands = isFrozen || !layer.trainable;
    const { layers: inner, layer: wrapped } = layer as { readonly layers?: readonly Layer[]; readonly layer?: Layer };
    if (layer.getClassName() === 'BatchNormalization') yield { layer, isFrozen: stands, isWrapped };
    if (inner !== undefined) yield* batchNormsAmong(inner, stands, isWrapped);
    else if (wrapped !== undefined) yield* batchNormsAmong([wrapped], stands, true);
  }
}

/** What tfjs calls a layer without a name: the class in snake case, the class, a number; wrappers put a word before. */
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

/** Underscores aside, since the snake case of names like Conv2D is a matter of taste. */
const isSnakeCaseOf = (start: string, className: string): boolean =>
  start.replaceAll('_', '').endsWith(className.toLowerCase());

function kindOf(layer: Layer, name: string): ParameterKind {
  if (layer.getClassName().endsWith('Normalization')) return 'norm';
  return name.endsWith('/bias') || name === 'bias' ? 'bias' : 'weight';
}
