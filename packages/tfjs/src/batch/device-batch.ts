import { HooklineError, isPlainObject } from '@hookline/core';
import tf from '#tfjs';
import { batchTensors } from './batch-tensors.ts';
import { asNativeBackend } from '../device/native-backend.ts';
import { tensorOfBytes } from './byte-tensor.ts';

/** The elements of a tensor on the host. */
export type HostArray =
  Float32Array | Int32Array | Uint8Array | Uint8ClampedArray | Int8Array | Uint16Array | Int16Array | Float64Array;

/** A tensor on the host. */
export interface HostTensorLike {
  readonly data: HostArray;
  readonly shape: readonly number[];
  /** @default float32 for floating-point arrays, int32 for integers */
  readonly dtype?: 'float32' | 'int32' | 'bool';
}

/** A batch on the device, and the tensors to free after the step. */
export interface DeviceBatch {
  readonly batch: unknown;
  readonly owned: readonly tf.Tensor[];
}

/** How {@link toDevice} treats tensors that are already in the batch. */
export interface ToDeviceOptions {
  /**
   * `consume`: they are freed with the batch, as with a tf.data iterator, except variables and those marked by
   * `tf.keep`. `borrow`: they are left alone.
   * @default 'consume'
   */
  readonly tensors?: 'consume' | 'borrow';
}

/**
 * Puts a batch on the device. Host tensors (`{ data, shape, dtype? }`) and bare typed arrays (as 1-D) become tensors,
 * wherever they are nested in arrays, maps, sets and plain objects. All other values stay unchanged.
 *
 * @throws HooklineError `HKL_BATCH_DISPOSED` when a tensor in it has been disposed, `HKL_BATCH_SHAPE` when data does
 * not fill its shape; nothing is left on the device then
 */
export function toDevice(batch: unknown, { tensors = 'consume' }: ToDeviceOptions = {}): DeviceBatch {
  const made: tf.Tensor[] = [];
  const consumed: tf.Tensor[] = [];
  const place = (value: unknown, path: string): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof tf.Tensor) {
      const tensor = value as tf.Tensor;
      if (tensor.isDisposed) throw disposed(path);
      const isTheirs = tensors === 'borrow' || tensor instanceof tf.Variable || isKept(tensor);
      if (!isTheirs) consumed.push(tensor);
      return tensor;
    }
    if (isHostTensor(value)) {
      const tensor = makeTensor(value, path);
      made.push(tensor);
      return tensor;
    }
    if (isHostArray(value)) {
      const tensor = makeTensor({ data: value, shape: [value.length] }, path);
      made.push(tensor);
      return tensor;
    }
    if (Array.isArray(value)) return value.map((item, index) => place(item, `${path}[${index}]`));
    if (value instanceof Map) {
      return new Map([...value].map(([key, item]: [unknown, unknown]) => [key, place(item, `${path}.${String(key)}`)]));
    }
    if (value instanceof Set) return new Set([...value].map((item, index) => place(item, `${path}[${index}]`)));
    if (!isPlainObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, place(item, `${path}.${key}`)]));
  };
  try {
    const placed = place(batch, 'batch');
    return { batch: placed, owned: [...made, ...consumed] };
  } catch (error) {
    tf.dispose(made);
    throw error;
  }
}

/** Frees the tensors that a batch owns on the device. */
export function disposeBatch({ owned }: DeviceBatch): void {
  for (const tensor of owned) tensor.dispose();
}

/**
 * Frees the tensors of an unused batch, as {@link toDevice} and {@link disposeBatch} would, without creating tensors.
 */
export function disposeUnused(batch: unknown, { tensors = 'consume' }: ToDeviceOptions = {}): void {
  if (tensors === 'borrow') return;
  for (const tensor of batchTensors(batch).values())
    if (!(tensor instanceof tf.Variable) && !isKept(tensor)) tensor.dispose();
}

const isKept = (tensor: tf.Tensor): boolean => (tensor as unknown as { readonly kept: boolean }).kept;

const isHostArray = (value: unknown): value is HostArray =>
  ArrayBuffer.isView(value) &&
  !(value instanceof DataView) &&
  !Buffer.isBuffer(value) &&
  !(value instanceof BigInt64Array) &&
  !(value instanceof BigUint64Array);

const isHostTensor = (value: object): value is HostTensorLike =>
  'data' in value &&
  'shape' in value &&
  (isHostArray(value.data) || Buffer.isBuffer(value.data)) &&
  Array.isArray(value.shape);

function makeTensor({ data, shape, dtype }: HostTensorLike, path: string): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  if (size !== data.length) {
    throw new HooklineError('HKL_BATCH_SHAPE', `${path} has ${data.length} elements for shape [${shape.join(', ')}]`, {
      who: 'data',
      fix: `Give ${size} elements, or correct the shape`,
    });
  }
  const isFloat = data instanceof Float32Array || data instanceof Float64Array;
  const type = dtype ?? (isFloat ? 'float32' : 'int32');
  const native = asNativeBackend(tf.backend());
  if (native !== undefined && data instanceof Uint8Array && type !== 'bool')
    return tensorOfBytes(native, data, [...shape], type);
  return tf.tensor(nativeArray(data, type), [...shape], type);
}

/** Converts to an array type that tfjs accepts directly; tfjs would copy other types element by element. */
function nativeArray(data: HostArray, dtype: 'float32' | 'int32' | 'bool'): Float32Array | Int32Array | Uint8Array {
  if (dtype === 'float32') return data instanceof Float32Array ? data : new Float32Array(data);
  if (dtype === 'int32') return data instanceof Int32Array ? data : new Int32Array(data);
  return data instanceof Uint8Array ? data : Uint8Array.from(data, (value) => (value === 0 ? 0 : 1));
}

function disposed(path: string): HooklineError {
  return new HooklineError('HKL_BATCH_DISPOSED', `${path} is a tensor that has been disposed`, {
    who: 'data',
    fix: 'Tensors of a batch are freed after its step. Yield new ones each time, mark them with tf.keep(...), or give the data as an array',
  });
}
