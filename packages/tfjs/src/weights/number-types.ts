import type { HostTensor } from '@hookline/core';

/**
 * Converts a tensor of a file to the dtype of a variable: float32, int32 or bool. Numbers of fewer bits are widened exactly;
 * float64 and large integers are rounded to the nearest float32.
 *
 * @param wanted the dtype of the variable
 * @returns undefined where the values cannot be converted: bool to float32, floats or integers outside of 32 bits to int32, and
 *   any other dtype to bool
 */
export function asVariableType(tensor: HostTensor, wanted: string): HostTensor | undefined {
  const { dtype, shape } = tensor;
  if (dtype === wanted) return tensor;
  if (wanted === 'float32') return dtype === 'bool' ? undefined : { dtype: 'float32', shape, data: floats(tensor) };
  if (wanted !== 'int32' || !/^u?int/.test(dtype)) return undefined;
  const values = Array.from(tensor.data as ArrayLike<number | bigint>, Number);
  const data = Int32Array.from(values);
  return values.every((value, place) => data[place] === value) ? { dtype: 'int32', shape, data } : undefined;
}

function floats({ dtype, data }: HostTensor): Float32Array<ArrayBuffer> {
  if (dtype === 'bfloat16') return fromBits(data as Uint16Array, (bits) => bits << 16);
  if (dtype === 'float16') return fromBits(data as Uint16Array, halfBits);
  const values = new Float32Array(data.length);
  for (let place = 0; place < values.length; place++) values[place] = Number(data[place]);
  return values;
}

function fromBits(halves: Uint16Array, bitsOf: (half: number) => number): Float32Array<ArrayBuffer> {
  const bits = new Int32Array(halves.length);
  for (let place = 0; place < bits.length; place++) bits[place] = bitsOf(halves[place] as number);
  return new Float32Array(bits.buffer);
}

/** Returns the bits of the float32 with the value of a float16, which has 5 bits of exponent and 10 of fraction. */
function halfBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // The number is subnormal in 16 bits, but normal in 32.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
