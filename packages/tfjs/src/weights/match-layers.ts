import tf from '#tfjs';
import { isMadeUp, nameStabilizer, nameWeights, type NamedWeight } from '../model/layer-names.ts';
import type { TrainableLayersModel } from '../model/layers-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import type { Match, Matches } from './match-names.ts';
import { layerOf } from './some-of.ts';
import { weightsError } from './weights-error.ts';
import type { FileLayer, WeightsFile } from './weights-file.ts';

/** A layer of ours that has weights. */
interface OurLayer {
  readonly name: string;
  readonly place: string;
  readonly weights: readonly NamedWeight[];
}

/** The model of tf.layers that a model is made of, if it is. */
export const layersOf = (model: TrainableModel): tf.LayersModel | undefined => {
  const { layers } = model as Partial<TrainableLayersModel>;
  return layers instanceof tf.LayersModel ? layers : undefined;
};

/**
 * Matches the layers of a Keras file with those of a tf.layers model: by the names that somebody has given them, where half of
 * the model's layers are in the file by name, and otherwise by class and place, as the second Conv2D.
 */
export function matchLayers(model: tf.LayersModel, layers: readonly FileLayer[]): Matches {
  const ours = layersWithWeights(model);
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const named = ours.filter(({ name }) => !isMadeUp(name) && byName.has(name));
  const isCertain = named.length * 2 >= ours.length;
  const byPlace = new Map(layers.map((layer) => [layer.place, layer]));
  const pairs = new Map<string, Match>();
  const misfits: string[] = [];
  for (const { name, place, weights } of ours) {
    const found = isCertain ? byName.get(name) : byPlace.get(place);
    if (found === undefined) continue;
    // With as many tensors alone is it known which of them is which: of a batch norm without scale, all have one shape.
    if (found.tensors.length === weights.length)
      for (const [index, { name: variable }] of weights.entries())
        pairs.set(variable, { name: found.tensors[index] as string, layout: 'same' });
    else misfits.push(`${name} has ${weights.length} weights, and ${found.name} in the file ${found.tensors.length}`);
  }
  return {
    pairs,
    misfits,
    expected: ours.flatMap(({ weights }) => weights.map(({ name }) => name)),
    offered: layers.flatMap(({ tensors }) => tensors),
    isCertain,
  };
}

/**
 * Matches the tensors of a file that are in the order of its layers: by name, where half of the model's weights are in the
 * file by names that somebody has given, or that tfjs has made up in both; otherwise in their order.
 *
 * @throws HooklineError `HKL_WEIGHTS_MISMATCH` where there are more or fewer of them than in the model, and names say nothing
 */
export function matchOrder(model: tf.LayersModel, { tensors }: WeightsFile, path: string): Matches {
  const names = together([...tensors.keys()]);
  const rename = nameStabilizer();
  const inFile = new Map(names.map((name) => [keyOf(name, rename(name).name), name]));
  const ours = nameWeights(model);
  const found = ours.map(({ name, layer }) => inFile.get(keyOf(isMadeUp(layer.name) ? layer.name : name, name)));
  const isCertain = found.filter((name) => name !== undefined).length * 2 >= ours.length;
  if (!isCertain && names.length !== ours.length) throw otherLayers(model.name, ours.length, names.length, path);
  const pairs = new Map<string, Match>();
  const misfits: string[] = [];
  for (const [index, { name: variable }] of ours.entries()) {
    const name = isCertain ? found[index] : (names[index] as string);
    if (name === undefined) continue;
    if (isCertain || roleOf(name) === roleOf(variable)) pairs.set(variable, { name, layout: 'same' });
    else misfits.push(`${variable} stands in the place of ${name}`);
  }
  return { pairs, misfits, expected: ours.map(({ name }) => name), offered: names, isCertain };
}

/** Names that tfjs has made up are told from given ones, which may read the same: Keras numbers layers from `dense` on, we from `dense_1`. */
const keyOf = (name: string, stable: string): string =>
  isMadeUp(name) ? `*${stable}` : stable.split('/').slice(-2).join('/');

/** What a weight is in its layer; Keras's own words for some have changed. */
const roleOf = (name: string): string =>
  name
    .slice(name.lastIndexOf('/') + 1)
    .replace(/_\d+$/, '')
    .replace('depthwise_kernel', 'kernel');

/** The tensors of each layer beside each other: those of a model within a model are saved with its statistics at the end. */
function together(names: readonly string[]): readonly string[] {
  const groups = new Map<string, string[]>(names.map((name) => [layerOf(name), []]));
  for (const name of names) groups.get(layerOf(name))?.push(name);
  return [...groups.values()].flat();
}

function layersWithWeights(model: tf.LayersModel): OurLayer[] {
  const weights = new Map<tf.layers.Layer, NamedWeight[]>();
  for (const weight of nameWeights(model)) {
    const list = weights.get(weight.layer);
    if (list === undefined) weights.set(weight.layer, [weight]);
    else list.push(weight);
  }
  return [...placesOf(model.layers, '')].flatMap(([layer, place]) => {
    const list = weights.get(layer);
    return list === undefined ? [] : [{ name: layer.name, place, weights: list }];
  });
}

/** Layers with what Keras's files call them: their class and their place among those of it, within each model. */
function* placesOf(layers: readonly tf.layers.Layer[], before: string): Generator<[tf.layers.Layer, string]> {
  const counts = new Map<string, number>();
  for (const layer of layers) {
    const base = snakeCase(layer.getClassName());
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    const place = `${before}${base}${count === 0 ? '' : `_${count}`}`;
    const { layers: inner } = layer as { readonly layers?: readonly tf.layers.Layer[] };
    if (inner === undefined) yield [layer, place];
    else yield* placesOf(inner, `${place}/`);
  }
}

/** As Keras writes the names of classes: `conv2d`, `batch_normalization`. */
const snakeCase = (className: string): string =>
  // A model of layers is a Functional in Keras.
  (className === 'Model' ? 'Functional' : className)
    .replaceAll(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

const otherLayers = (model: string, ours: number, found: number, path: string): Error =>
  weightsError(
    'HKL_WEIGHTS_MISMATCH',
    `it has ${found} tensors, and the model "${model}" ${ours}; its layers have no names by which they could be matched`,
    path,
    'Build the same layers, or give those that both have the same names: tf.layers.dense({ name, ... })',
  );
