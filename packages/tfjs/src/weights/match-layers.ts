import tf from '#tfjs';
import { isMadeUp, nameWeights, type NamedWeight } from '../model/layer-names.ts';
import type { TrainableLayersModel } from '../model/layers-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import type { Match, Matches } from './match-names.ts';
import { layerOf, someOf } from './some-of.ts';
import { weightsError } from './weights-error.ts';
import type { FileLayer, WeightsFile } from './weights-file.ts';

/** A layer of the model that has weights. */
interface OurLayer {
  readonly name: string;
  readonly place: string;
  readonly weights: readonly NamedWeight[];
}

/** Returns the tf.layers model that a model was made from; undefined for other models. */
export const layersOf = (model: TrainableModel): tf.LayersModel | undefined => {
  const { layers } = model as Partial<TrainableLayersModel>;
  return layers instanceof tf.LayersModel ? layers : undefined;
};

/**
 * Matches the layers of a Keras file with those of a tf.layers model. It matches by name where the file has at least half of
 * the model's layers under names that were given by hand; otherwise by class and place, such as the second Conv2D.
 *
 * @param about.partial whether to match by place even where file and model have different layers, which may be wrong
 * @throws HooklineError `HKL_WEIGHTS_MISMATCH` where neither the names match nor the layers with weights are the same
 */
export function matchLayers(
  model: tf.LayersModel,
  layers: readonly FileLayer[],
  { path, partial }: { readonly path: string; readonly partial: boolean },
): Matches {
  const ours = layersWithWeights(model);
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const named = ours.filter(({ name }) => !isMadeUp(name) && byName.has(name));
  const isCertain = named.length * 2 >= ours.length;
  const byPlace = new Map(layers.map((layer) => [layer.place, layer]));
  const isSame = byPlace.size === ours.length && ours.every(({ place }) => byPlace.has(place));
  if (!isCertain && !isSame && !partial) {
    const [wanted, found] = [ours.map(({ place }) => place), [...byPlace.keys()]];
    throw otherLayers(model.name, differing(wanted, found), differing(found, wanted), path);
  }
  const pairs = new Map<string, Match>();
  const misfits: string[] = [];
  for (const { name, place, weights } of ours) {
    const found = isCertain ? byName.get(name) : byPlace.get(place);
    if (found === undefined) continue;
    // Only an equal number of tensors shows which is which: the weights of a batch norm, for one, all have the same shape.
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

/** Describes the layers that are in the first list, but not in the second. */
function differing(these: readonly string[], others: readonly string[]): string {
  const only = these.filter((place) => !others.includes(place));
  return only.length === 0 ? 'no other layers' : someOf(only);
}

/**
 * Matches the tensors of a file that has them in the order of its layers. It matches by name where the file has at least half
 * of the model's weights under names that were given by hand; otherwise by order.
 *
 * @throws HooklineError `HKL_WEIGHTS_MISMATCH` where the names do not match and the file has more or fewer tensors than the
 *   model
 */
export function matchOrder(model: tf.LayersModel, { tensors }: WeightsFile, path: string): Matches {
  const names = together([...tensors.keys()]);
  const given = new Map(names.filter((name) => !isMadeUp(name)).map((name) => [endOf(name), name]));
  const ours = nameWeights(model);
  // Names that tfjs generates prove nothing, because a further layer changes the numbers of the later ones.
  const found = ours.map(({ name, layer }) => (isMadeUp(layer.name) ? undefined : given.get(endOf(name))));
  const isCertain = found.filter((name) => name !== undefined).length * 2 >= ours.length;
  if (!isCertain && names.length !== ours.length)
    throw otherLayers(model.name, `${ours.length} weights`, `${names.length}`, path);
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

/** Returns the last two parts of a name, layer and weight, without the models around them. */
const endOf = (name: string): string => name.split('/').slice(-2).join('/');

/** Returns the role of a weight in its layer, such as `kernel`; Keras's name for one of them has changed. */
const roleOf = (name: string): string =>
  name
    .slice(name.lastIndexOf('/') + 1)
    .replace(/_\d+$/, '')
    .replace('depthwise_kernel', 'kernel');

/** Groups the names by layer, because a file has the batch norm statistics of a nested model after its other tensors. */
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

/** Yields each layer with its name in Keras's files: its class and its number among the layers of that class in its model. */
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

/** Converts a class name to Keras's snake case: `conv2d`, `batch_normalization`. */
const snakeCase = (className: string): string =>
  // Keras's class for a model of layers is Functional.
  (className === 'Model' ? 'Functional' : className)
    .replaceAll(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

const otherLayers = (model: string, ours: string, found: string, path: string): Error =>
  weightsError(
    'HKL_WEIGHTS_MISMATCH',
    `its layers are others, and have no names by which they could be matched: the model "${model}" has ${ours}, the file ${found}`,
    path,
    'Build the same layers, or give those that both have the same names: tf.layers.dense({ name, ... })',
  );
