import { describeValue, HooklineError } from '@hookline/core';

/** Numbers of one field of a data set, all samples one after the other. */
export type FieldArray =
  Float32Array | Int32Array | Uint8Array | Uint8ClampedArray | Int8Array | Uint16Array | Int16Array | Float64Array;

/** One field: `shape[0]` samples of shape `shape.slice(1)`. */
export interface Field<A extends FieldArray = FieldArray> {
  readonly data: A;
  readonly shape: readonly [samples: number, ...sample: number[]];
}

/** Numbers in arrays of arrays, equally long at each depth; the outermost array holds the samples. */
export type NestedNumbers = readonly (number | boolean | NestedNumbers)[];

/** A tensor of TensorFlow.js, of which this package knows no more. */
export interface TensorField {
  readonly shape: readonly number[];
  readonly dtype: string;
  dataSync(): unknown;
}

/** What may be given as a field: with its shape, or a typed array of one number for each sample, arrays, or a tensor. */
export type FieldInput = Field | FieldArray | NestedNumbers | TensorField;

/** The array in which a field's numbers are kept. */
export type FieldData<F extends FieldInput> =
  F extends Field<infer A> ? A : F extends FieldArray ? F : F extends NestedNumbers ? Float32Array : FieldArray;

const TAKES =
  'Give { data, shape }, a typed array, arrays of numbers such as [[1, 2], [3, 4]], or a tensor; what they hold becomes Float32Array, and Int32Array for integer tensors';

/**
 * A field with its shape. Numbers in arrays become float32, as `tf.tensor` makes them; a tensor is read and left alone.
 *
 * @throws HooklineError `HKL_DATA_FIELDS` for what is none, with the field's name
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
  // A copy: a backend may hand out the memory in which the tensor lives.
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

/** Samples may be typed arrays in a list. */
const isListLike = (value: unknown): value is ArrayLike<unknown> => Array.isArray(value) || isFieldArray(value);

function bad(name: string, found: string): HooklineError {
  return new HooklineError('HKL_DATA_FIELDS', `field "${name}" is ${found}`, { who: 'ArrayLoader', fix: TAKES });
}
