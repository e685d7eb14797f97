import { HooklineError } from '../errors.ts';

/** Element types a tensor can have in a file, with their names there, sizes in bytes and arrays in memory. */
const DTYPES = {
  float64: { code: 'F64', bytes: 8, array: Float64Array },
  float32: { code: 'F32', bytes: 4, array: Float32Array },
  /** Kept as bits: not all supported versions of Node have Float16Array. */
  float16: { code: 'F16', bytes: 2, array: Uint16Array },
  /** Kept as bits. */
  bfloat16: { code: 'BF16', bytes: 2, array: Uint16Array },
  int64: { code: 'I64', bytes: 8, array: BigInt64Array },
  int32: { code: 'I32', bytes: 4, array: Int32Array },
  int16: { code: 'I16', bytes: 2, array: Int16Array },
  int8: { code: 'I8', bytes: 1, array: Int8Array },
  uint64: { code: 'U64', bytes: 8, array: BigUint64Array },
  uint32: { code: 'U32', bytes: 4, array: Uint32Array },
  uint16: { code: 'U16', bytes: 2, array: Uint16Array },
  uint8: { code: 'U8', bytes: 1, array: Uint8Array },
  /** One byte each, 0 or 1. */
  bool: { code: 'BOOL', bytes: 1, array: Uint8Array },
} as const;

/** Element types of a tensor in a file, such as `float32`, `int64` and `bfloat16`. */
export type HostDType = keyof typeof DTYPES;

/** The typed arrays that hold the elements of a {@link HostTensor}. */
export type HostTensorData = InstanceType<(typeof DTYPES)[HostDType]['array']>;

/** A tensor in the host's memory, row-major and little-endian. */
export interface HostTensor {
  readonly dtype: HostDType;
  /** Sizes of the dimensions; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** The elements, in an array of the kind that fits `dtype` (bits for float16 and bfloat16), or their raw bytes. */
  readonly data: HostTensorData;
}

/**
 * Names that the format has for element types that no array here holds: floating-point numbers of 4 to 8 bits and
 * complex numbers. A file with one of them is intact; it just cannot be read here.
 */
const UNSUPPORTED_CODES: ReadonlySet<string> = new Set([
  ...['F4', 'F6_E2M3', 'F6_E3M2', 'F8_E4M3', 'F8_E4M3FN', 'F8_E4M3FNUZ', 'F8_E5M2', 'F8_E5M2FNUZ', 'F8_E8M0'],
  ...['C64', 'C128'],
]);

const DTYPE_OF_CODE = new Map<string, HostDType>(
  Object.entries(DTYPES).map(([dtype, { code }]) => [code, dtype as HostDType]),
);

/** The element type of a name in a safetensors header, or undefined for an unknown one. */
export function dtypeOfCode(code: string): HostDType | undefined {
  return DTYPE_OF_CODE.get(code);
}

/** Whether a name in a safetensors header is that of an element type which exists and cannot be read. */
export function isUnsupportedCode(code: unknown): boolean {
  return typeof code === 'string' && UNSUPPORTED_CODES.has(code);
}

/** The name of an element type in a safetensors header. */
export function codeOfDtype(dtype: HostDType): string {
  return DTYPES[dtype].code;
}

/** Bytes of one element. */
export function bytesPerElement(dtype: HostDType): number {
  return DTYPES[dtype].bytes;
}

/** Bytes that a tensor takes, or undefined when its sizes are no sizes or their product is beyond exact integers. */
export function byteSize(dtype: HostDType, shape: readonly unknown[]): number | undefined {
  let size = DTYPES[dtype].bytes;
  for (const length of shape) {
    if (!Number.isSafeInteger(length) || (length as number) < 0) return undefined;
    size *= length as number;
    if (!Number.isSafeInteger(size)) return undefined;
  }
  return size;
}

/** The array that fits an element type, on the bytes of a buffer, or on some of them. */
export function arrayOf(
  dtype: HostDType,
  buffer: ArrayBuffer,
  byteOffset = 0,
  byteLength = buffer.byteLength - byteOffset,
): HostTensorData {
  const { array: ArrayType, bytes } = DTYPES[dtype];
  return new ArrayType(buffer, byteOffset, byteLength / bytes);
}

/** The bytes of a tensor, not copied. @throws HKL_TENSOR_INVALID when type, shape and data do not fit each other */
export function tensorBytes(name: string, tensor: HostTensor): Uint8Array {
  const { dtype, shape, data } = tensor;
  const fault = faultOf(dtype, shape, data);
  if (fault === undefined) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new HooklineError('HKL_TENSOR_INVALID', fault, {
    who: `tensor "${name}"`,
    fix: 'Give a known dtype, a shape of non-negative integers, and exactly its elements as a typed array',
  });
}

function faultOf(dtype: HostDType, shape: readonly number[], data: HostTensorData): string | undefined {
  if (!Object.hasOwn(DTYPES, dtype)) return `"${dtype}" is no dtype we know`;
  const size = Array.isArray(shape) ? byteSize(dtype, shape) : undefined;
  if (size === undefined) return `its shape is ${JSON.stringify(shape)}`;
  // The name, not instanceof: arrays may come from another realm.
  const kind = Object.prototype.toString.call(data).slice(8, -1);
  if (kind !== 'Uint8Array' && kind !== DTYPES[dtype].array.name)
    return `its data is ${kind}, which does not hold ${dtype}`;
  if (data.byteLength === size) return undefined;
  return `its data has ${data.byteLength} bytes, ${dtype} of shape [${shape.join(', ')}] needs ${size}`;
}
