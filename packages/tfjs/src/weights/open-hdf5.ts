import { readFile } from 'node:fs/promises';
import { describeCause, type HostDType, type HostTensor, isHooklineError } from '@hookline/core';
import type * as h5wasm from 'h5wasm';
import { COPY_AGAIN, weightsError } from './weights-error.ts';
import type { FileLayer, WeightsFile } from './weights-file.ts';

/** HDF5 compiled to WebAssembly. It is not a dependency, because it takes 15 MB for a format that few users need. */
type Hdf5 = typeof h5wasm;
type Group = InstanceType<Hdf5['Group']>;
type Dataset = InstanceType<Hdf5['Dataset']>;

/** The dtypes of the typed arrays in which h5wasm returns numbers. */
const TYPES = new Map<string, HostDType>([
  ['Float32Array', 'float32'],
  ['Float64Array', 'float64'],
  ['Int32Array', 'int32'],
  ['Int16Array', 'int16'],
  ['Int8Array', 'int8'],
  ['Uint8Array', 'uint8'],
  ['Uint16Array', 'uint16'],
  ['Uint32Array', 'uint32'],
  ['BigInt64Array', 'int64'],
  ['BigUint64Array', 'uint64'],
]);

/** The groups that hold the layers: in Keras 3, and in TensorFlow 2.12 to 2.15. */
const LAYERS = ['layers', '_layer_checkpoint_dependencies'];

let opened = 0;

/**
 * Opens Keras weights in HDF5: a `.weights.h5` file, the weights in a `.keras` file, or a whole model as `.h5`.
 *
 * @param path the file, which errors also name
 * @param bytes the HDF5 contents, where they come from within the file. Default: the contents of the file
 * @throws HooklineError `HKL_WEIGHTS_READER` where h5wasm is not installed, `HKL_WEIGHTS_FORMAT` for other HDF5,
 * `HKL_WEIGHTS_DAMAGED` for HDF5 that cannot be read
 */
export async function openHdf5(path: string, bytes?: Uint8Array, kind = 'Keras weights'): Promise<WeightsFile> {
  const hdf5 = await loadReader(path);
  const module = await hdf5.ready;
  // Without this, h5wasm only prints errors and continues.
  module.activate_throwing_error_handler();
  const { FS } = module;
  // h5wasm's file system is in memory, so nothing in the file can refer to another file.
  const name = `/weights-${++opened}.h5`;
  FS.writeFile(name, bytes ?? (await readFile(path)));
  try {
    const file = new hdf5.File(name, 'r');
    try {
      return { kind, ...readFileOf(file, hdf5, path) };
    } finally {
      file.close();
    }
  } catch (error) {
    if (isHooklineError(error)) throw error;
    const what = `its HDF5 cannot be read: ${sentenceOf(describeCause(error))}`;
    throw weightsError('HKL_WEIGHTS_DAMAGED', what, path, COPY_AGAIN, error);
  } finally {
    FS.unlink(name);
  }
}

/** Extracts the cause from HDF5's error stack, which is in its last line. */
const sentenceOf = (message: string): string =>
  [...message.matchAll(/^ +#\d+: .*?\(\): (?<what>.*)$/gm)].at(-1)?.groups?.['what'] ?? message;

async function loadReader(path: string): Promise<Hdf5> {
  try {
    return await import('h5wasm');
  } catch (cause) {
    const what = 'it is HDF5, and h5wasm, which reads it, is not installed';
    throw weightsError('HKL_WEIGHTS_READER', what, path, 'Install it beside Hookline: npm install h5wasm', cause);
  }
}

function readFileOf(file: Group, hdf5: Hdf5, path: string): Omit<WeightsFile, 'kind'> {
  const tensors = new Map<string, HostTensor>();
  const take = (name: string, dataset: Dataset): void => void tensors.set(name, tensorOf(dataset, name, path));
  const read = (name: string): Promise<HostTensor> => Promise.resolve(tensors.get(name) as HostTensor);
  const rest = { tensors, read, close: () => Promise.resolve() };
  const older = [file, file.get('model_weights')].find((each) => isGroup(each, hdf5) && 'layer_names' in each.attrs);
  if (older !== undefined) {
    readOlder(older as Group, hdf5, take);
    return { ...rest, isOrdered: true };
  }
  const layers = LAYERS.map((name) => file.get(name)).find((each) => isGroup(each, hdf5));
  if (layers !== undefined) return { ...rest, layers: [...readLayers(layers, '', hdf5, take)] };
  const fix = 'Save a Sequential or functional model, with Python: model.save("model.keras")';
  throw weightsError('HKL_WEIGHTS_FORMAT', 'it is HDF5, but holds no layers of such a Keras model', path, fix);
}

/** Reads files of Keras 2 and `.h5`, which list layers and their weights by name and in order. */
function readOlder(group: Group, hdf5: Hdf5, take: (name: string, dataset: Dataset) => void): void {
  for (const layer of textsOf(group, 'layer_names')) {
    const inside = group.get(layer);
    if (!isGroup(inside, hdf5)) continue;
    for (const weight of textsOf(inside, 'weight_names')) {
      const name = weight.replace(/:\d+$/, '');
      // A name without a layer gets the name of its layer as a prefix.
      take(name.includes('/') ? name : `${layer}/${name}`, inside.get(weight) as Dataset);
    }
  }
}

function textsOf(group: Group, attribute: string): readonly string[] {
  const value: unknown = group.attrs[attribute]?.value;
  // h5wasm does not return an empty list as an array.
  return Array.isArray(value) ? value.map(String) : [];
}

/** Reads files of Keras 3, which list layers by class and place. */
function* readLayers(
  group: Group,
  before: string,
  hdf5: Hdf5,
  take: (name: string, dataset: Dataset) => void,
): Generator<FileLayer> {
  for (const key of group.keys()) {
    const layer = group.get(key);
    if (!isGroup(layer, hdf5)) continue;
    const inner = LAYERS.map((name) => layer.get(name)).find((each) => isGroup(each, hdf5));
    if (inner !== undefined) {
      yield* readLayers(inner, `${before}${key}/`, hdf5, take);
      continue;
    }
    const tensors = [...datasetsIn(layer, `${before}${key}`, hdf5)].map(([name, dataset]) => {
      take(name, dataset);
      return name;
    });
    const given: unknown = (layer.get('vars') as Group | null)?.attrs['name']?.value;
    if (tensors.length > 0) yield { name: typeof given === 'string' ? given : key, place: `${before}${key}`, tensors };
  }
}

/**
 * Yields the weights of a layer: first its own, then those of the layers that it wraps, forward before backward. It leaves out
 * the state of random generators.
 */
function* datasetsIn(group: Group, before: string, hdf5: Hdf5): Generator<[string, Dataset]> {
  const rank = (key: string): string => key.replace(/^vars$/, '0').replace('backward', 'forward~');
  const keys = group.keys().filter((key) => key !== 'seed_generator');
  keys.sort((one, other) => rank(one).localeCompare(rank(other), 'en', { numeric: true }));
  for (const key of keys) {
    const inside = group.get(key);
    if (isGroup(inside, hdf5)) yield* datasetsIn(inside, `${before}/${key}`, hdf5);
    else if (inside instanceof hdf5.Dataset) yield [`${before}/${key}`, inside];
  }
}

function tensorOf(dataset: Dataset, name: string, path: string): HostTensor {
  const { shape, value } = dataset;
  const data = typeof value === 'number' ? Float64Array.of(value) : value;
  const dtype = TYPES.get(Object.prototype.toString.call(data).slice(8, -1));
  if (dtype === undefined || shape === null) {
    const fix = 'Save the model with float32 weights';
    throw weightsError('HKL_WEIGHTS_FORMAT', `"${name}" has a type that cannot be read`, path, fix);
  }
  return { dtype, shape, data: (data as Float32Array).slice() };
}

const isGroup = (entity: unknown, { Group }: Hdf5): entity is Group => entity instanceof Group;
