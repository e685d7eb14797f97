import { isPlainObject } from '@hookline/core';
import tf from '#tfjs';
import { inEvalMode } from '../model/in-eval-mode.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { exportError, FIX_BATCH } from './export-errors.ts';

/** One input of a model. */
export interface ExportInput {
  /** Sizes of the axes; null as the first size stands for the number of items in a batch. */
  readonly shape: readonly (number | null)[];
  /** @default 'float32' */
  readonly dtype?: 'float32' | 'int32' | 'bool';
  /** The smallest and the largest expected value, such as [0, 255] for pixels. @default [0, 1] */
  readonly range?: readonly [number, number];
  /** The name of the input in the written model. @default its key, or `input` */
  readonly name?: string;
}

/** The inputs of a model in the form that its `predict` takes: a single one, a list, or by name. */
export type ExportInputs = ExportInput | readonly ExportInput[] | Readonly<Record<string, ExportInput>>;

/** The number of items in the random batch that stands for inputs of which only the shapes are known. */
const TEMPLATE_ITEMS = 5;

/** The forward pass of a model on any number of items. */
export interface ForwardSource {
  /** Returns the inputs of the forward pass for this number of items. The caller disposes of the tensors. */
  readonly inputsFor: (items: number) => { readonly value: unknown; readonly tensors: ReadonlyMap<string, tf.Tensor> };
  readonly forward: (value: unknown) => unknown;
  /** The requested names, by the paths of the inputs. */
  readonly names: ReadonlyMap<string, string>;
  /** Paths of the inputs whose first axis is the batch. */
  readonly open: ReadonlySet<string>;
  /** The smallest and the largest value of an input, as declared or as found in the example. */
  readonly rangeOf: (path: string) => readonly [number, number];
  dispose(): void;
}

/** Copies a nested value with its tensors replaced; everything else in it stays. */
function mapTensors(value: unknown, map: (tensor: tf.Tensor, path: string) => tf.Tensor, path = ''): unknown {
  const at = (key: string | number): string => (path === '' ? String(key) : `${path}/${key}`);
  if (value instanceof tf.Tensor) return map(value as tf.Tensor, path);
  if (Array.isArray(value)) return value.map((part, place) => mapTensors(part, map, at(place)));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, mapTensors(part, map, at(key))]));
}

/**
 * The forward pass on a batch of an evaluation, including the model's `inputs`, such as scaling pixels.
 *
 * @param example a batch on the device; the caller keeps ownership
 */
export function sourceOfExample(model: TrainableModel, example: unknown): ForwardSource {
  const tensors = tensorsOf(example);
  const [first] = tensors.values();
  if (first === undefined) {
    throw exportError('HKL_EXPORT_INPUTS', 'the example holds no tensor', model.name, {
      fix: 'Give example a batch on the device, as the model gets it in an evaluation',
    });
  }
  const items = first.shape[0];
  const open = new Set([...tensors].flatMap(([path, { shape }]) => (shape[0] === items && items ? [path] : [])));
  const ranges = new Map<string, readonly [number, number]>();
  return {
    ...resizing(example, open),
    forward: (batch) => inEvalMode(model, () => model.predict?.((model.inputs ?? findInputs)(batch))),
    names: new Map(),
    open,
    rangeOf: (path) => {
      const known = ranges.get(path) ?? rangeOf(tensors.get(path) as tf.Tensor);
      ranges.set(path, known);
      return known;
    },
    dispose: () => undefined,
  };
}

/** The forward pass on the direct inputs of `predict`, whose shapes are known. */
export function sourceOfInputs(model: TrainableModel, given: ExportInputs, batch: number | undefined): ForwardSource {
  const specs = new Map<string, ExportInput>();
  const isOne = (value: unknown): value is ExportInput =>
    isPlainObject(value) && Array.isArray((value as Partial<ExportInput>).shape);
  const make = (spec: ExportInput, path: string): tf.Tensor => {
    if (!isOne(spec)) throw badInputs(`"${path}" has no shape`, model.name);
    const sizes = spec.shape.map((size, axis) => {
      if (size !== null && Number.isInteger(size) && size >= 0) return size;
      if (axis === 0 && size === null) return batch ?? TEMPLATE_ITEMS;
      throw badInputs(`size ${axis} of "${path === '' ? 'input' : path}" is ${String(size)}`, model.name);
    });
    specs.set(path, spec);
    const [low, high] = spec.range ?? [0, 1];
    const { dtype = 'float32' } = spec;
    return tf.tidy(() => {
      // Integers include both bounds, so that each of them can occur.
      const values = tf.randomUniform(sizes, low, dtype === 'float32' ? high : high + 1, 'float32', specs.size);
      return dtype === 'float32' ? values : values.floor().clipByValue(low, high).cast(dtype);
    });
  };
  const template = isOne(given)
    ? make(given, '')
    : Array.isArray(given)
      ? given.map((spec: ExportInput, place) => make(spec, String(place)))
      : Object.fromEntries(
          Object.entries(given as Record<string, ExportInput>).map(([key, spec]) => [key, make(spec, key)]),
        );
  if (specs.size === 0) throw badInputs('there is none', model.name);
  const open = new Set([...specs].flatMap(([path, { shape }]) => (shape[0] === null ? [path] : [])));
  return {
    ...resizing(template, open),
    forward: (inputs) => inEvalMode(model, () => model.predict?.(inputs)),
    names: new Map([...specs].flatMap(([path, { name }]) => (name === undefined ? [] : [[path, name]]))),
    open,
    rangeOf: (path) => specs.get(path)?.range ?? [0, 1],
    dispose: () => tf.dispose(template as tf.Tensor),
  };
}

/** The inputs that a tf.layers model declares. */
export function inputsOfLayers(layers: tf.LayersModel, model: string): ExportInputs {
  const specs = layers.inputs.map(({ shape, dtype, name }): ExportInput => {
    if (shape.slice(1).includes(null)) {
      throw exportError('HKL_EXPORT_INPUTS', `the input "${name}" is of no fixed size: [${shape.join()}]`, model, {
        fix: 'Say at which size it is exported: inputs: { shape: [null, 96, 128, 3] }',
      });
    }
    return { shape, dtype: dtype === 'int32' || dtype === 'bool' ? dtype : 'float32', name };
  });
  return specs.length === 1 ? (specs[0] as ExportInput) : specs;
}

/** Guesses the inputs in a batch for a model without an `inputs` method. */
function findInputs(batch: unknown): unknown {
  if (Array.isArray(batch)) return batch[0];
  if (batch instanceof tf.Tensor || !isPlainObject(batch)) return batch;
  const { inputs, x, xs } = batch;
  return inputs ?? x ?? xs ?? batch;
}

function resizing(template: unknown, open: ReadonlySet<string>): Pick<ForwardSource, 'inputsFor'> {
  return {
    inputsFor: (items) => {
      const tensors = new Map<string, tf.Tensor>();
      const value = mapTensors(template, (tensor, path) => {
        const resized = open.has(path) ? takeRows(tensor, items) : tensor.clone();
        tensors.set(path, resized);
        return resized;
      });
      return { value, tensors };
    },
  };
}

/** Returns this many rows, repeating the existing ones as needed. */
function takeRows(tensor: tf.Tensor, items: number): tf.Tensor {
  const [rows = 1, ...rest] = tensor.shape;
  return tf.tidy(() => {
    const times = Math.ceil(items / rows);
    const many = times === 1 ? tensor : tensor.tile([times, ...rest.map(() => 1)]);
    return many.slice([0], [items]).clone();
  });
}

function tensorsOf(value: unknown): Map<string, tf.Tensor> {
  const tensors = new Map<string, tf.Tensor>();
  mapTensors(value, (tensor, path) => {
    tensors.set(path, tensor);
    return tensor;
  });
  return tensors;
}

function rangeOf(tensor: tf.Tensor): readonly [number, number] {
  const values = tensor.dataSync();
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return values.length === 0 ? [0, 0] : [low, high];
}

const badInputs = (what: string, model: string): Error =>
  exportError('HKL_EXPORT_INPUTS', `its option inputs: ${what}`, model, {
    fix: `Give sizes in whole numbers, null for the batch in the first place: inputs: { shape: [null, 96, 128, 3] }. ${FIX_BATCH}`,
  });
