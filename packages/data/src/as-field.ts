import { describeValue, HooklineError } from '@hookline/core';

/** The numbers of one field of a data set, sample after sample. */
export type FieldArray =
  Float32Array | Int32Array | Uint8Array | Uint8ClampedArray | Int8Array | Uint16Array | Int16Array | Float64Array;

/** One field: `shape[0]` samples of shape `shape.slice(1)`. */
export interface Field<A extends FieldArray = FieldArray> {
  readonly data: A;
  readonly shape: readonly [samples: number, ...sample: number[]];
}

/** Nested arrays of numbers, of the same length at each depth. The outermost array holds the samples. */
export type NestedNumbers = readonly (number | boolean | NestedNumbers)[];

/** The part of a TensorFlow.js tensor that this package needs; it does not import TensorFlow.js. */
export interface TensorField {
  readonly shape: readonly number[];
  readonly dtype: string;
  dataSync(): unknown;
}

/** The accepted forms of a field: `{ data, shape }`, a typed array with one number per sample, nested arrays, or a tensor. */
export type FieldInput = Field | FieldArray | NestedNumbers | TensorField;

/** The array types that can hold a field's numbers. */
export type FieldData<F extends FieldInput> =
  F extends Field<infer A> ? A : F extends FieldArray ? F : F extends NestedNumbers ? Float32Array : FieldArray;

const TAKES =
  'Give { data, shape }, a typed array, arrays of numbers such as [[1, 2], [3, 4]], or a tensor; what they hold becomes Float32Array, and Int32Array for integer tensors';

/**
 * Converts a field to `{ data, shape }`. Numbers in arrays become float32, as with `tf.tensor`; a tensor is read but not disposed of.
 *
 * @throws HooklineError `HKL_DATA_FIELDS` with the field's name, if the value has none of the accepted forms
 */
export function asField(name: string, value: unknown): Field {
  if (isFieldArray(value)) return { data: value, shape: [value.length] };
  if (Array.isArray(value)) return flatten(name, value as NestedNumbers);
  if (isTensor(value)) return ofTensor(name, value);
  const { data, shape } = (value ?? {}) as Partial<Field>;
  if (isFieldArray(data) && Array.isArray(shape) && shape.length > 0 && shape.every(isLength)) return value as Field;
  if (data !== undefined && shape === undefined) throw bad(name, 'data without a shape');
  if (data !== undefined) throw bad(name, `data of ${describeValue(data)} and shape ${describeValue(shape)}`);
  throw bad(name, describeValue(value));
}

const isLength = (length: unknown): boolean => Number.isInteger(length) && (length as number) >= 0;

function isFieldArray(value: unknown): value is FieldArray {
  const isOther = value instanceof DataView || value instanceof BigInt64Array || value instanceof BigUint64Array;
  return ArrayBuffer.isView(value) && !isOther;
}

function isTensor(value: unknown): value is TensorField {
  const { shape, dtype, dataSync } = (value ?? {}) as Partial<TensorField>;
  return Array.isArray(shape) && typeof dtype === 'string' && typeof dataSync === 'function';
}

function ofTensor(name: string, tensor: TensorField): Field {
  if (tensor.shape.length === 0) throw bad(name, 'a scalar tensor, which has no samples');
  const data = tensor.dataSync();
  if (!isFieldArray(data)) throw bad(name, `a tensor of dtype ${tensor.dtype}`);
  // Copy the numbers, because a backend may return the memory in which the tensor lives.
  return { data: data.slice(), shape: [...tensor.shape] as [number, ...number[]] };
}

function flatten(name: string, nested: NestedNumbers): Field {
  const shape: number[] = [];
  for (let level: unknown = nested; isListLike(level); level = level[0]) shape.push(level.length);
  const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
  let filled = 0;
  const fill = (value: unknown, depth: number, path: string): void => {
    if (depth === shape.length) {
      if (typeof value !== 'number' && typeof value !== 'boolean')
        throw bad(name, `${describeValue(value)} at ${path}, where a number should be`);
      data[filled++] = Number(value);
      return;
    }
    const wanted = shape[depth] ?? 0;
    if (!isListLike(value) || value.length !== wanted)
      throw bad(name, `${describeValue(value)} at ${path}, where ${wanted} values should be, as in those before`);
    for (let index = 0; index < wanted; index++) fill(value[index], depth + 1, `${path}[${index}]`);
  };
  fill(nested, 0, name);
  return { data, shape: shape as [number, ...number[]] };
}

/** The samples in a list may be typed arrays. */
const isListLike = (value: unknown): value is ArrayLike<unknown> => Array.isArray(value) || isFieldArray(value);

function bad(name: string, found: string): HooklineError {
  return new HooklineError('HKL_DATA_FIELDS', `field "${name}" is ${found}`, { who: 'ArrayLoader', fix: TAKES });
}
