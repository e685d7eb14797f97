import { philox, PHILOX_WORDS } from '@hookline/core';
import tf from '#tfjs';
import { asNativeBackend, DataType, typeOf } from '../device/native-backend.ts';

type Distribution = 'uniform' | 'normal';

const OPS = { uniform: 'StatelessRandomUniform', normal: 'StatelessRandomNormal' } as const;

/**
 * Returns random float32 numbers that depend only on the seed: uniform in [0, 1), or standard normal.
 *
 * On native TensorFlow an op generates them. On other backends the host does, by the same algorithm: Philox-4x32-10
 * with a key mixed from the seed, uniform numbers from the lower 23 bits, and normal numbers by Box and Muller. Uniform
 * numbers are bit-identical on every backend. Normal numbers may differ in the last bits, because sine and logarithm
 * do.
 *
 * @param seed int32, shape [2]
 * @param hostSeed the same seed on the host; used when the host generates the numbers
 */
export function statelessRandom(
  distribution: Distribution,
  shape: readonly number[],
  seed: () => tf.Tensor,
  hostSeed: () => readonly [number, number],
): tf.Tensor {
  const native = asNativeBackend(tf.backend());
  if (native === undefined) return tf.tensor(hostRandom(distribution, shape, hostSeed()), [...shape], 'float32');
  const attributes = [
    typeOf(native, 'dtype', DataType.float32),
    typeOf(native, 'T', DataType.int32),
    typeOf(native, 'Tseed', DataType.int32),
  ];
  return tf.tidy(() =>
    native.executeSingleOutput(OPS[distribution], attributes, [tf.tensor1d([...shape], 'int32'), seed()]),
  );
}

/**
 * Returns the result of one of TensorFlow's stateless random ops, or undefined when TensorFlow does not run natively.
 *
 * @param types the op's element-type attributes, by name: `float32` or `int32`
 * @param inputs the op's inputs, including the seed
 */
export function statelessOp(
  op: string,
  types: Readonly<Record<string, 'float32' | 'int32'>>,
  inputs: () => tf.Tensor[],
): tf.Tensor | undefined {
  const native = asNativeBackend(tf.backend());
  if (native === undefined) return undefined;
  const attributes = Object.entries(types).map(([name, type]) => typeOf(native, name, DataType[type]));
  return tf.tidy(() => native.executeSingleOutput(op, attributes, inputs()));
}

const KEY = [0x3ec8f720, 0x02461e29] as const;
const MANTISSA = 0x7fffff;
const UNIT = 2 ** -23;

/** Generates on the host the numbers that TensorFlow's op of the same name gives. */
export function hostRandom(
  distribution: Distribution,
  shape: readonly number[],
  [seed0, seed1]: readonly [number, number],
): Float32Array {
  const words = new Uint32Array(PHILOX_WORDS);
  philox(words, seed0, seed0 < 0 ? -1 : 0, seed1, seed1 < 0 ? -1 : 0, ...KEY);
  const [key0 = 0, key1 = 0, counter2 = 0, counter3 = 0] = words;
  const size = shape.reduce((product, length) => product * length, 1);
  const numbers = new Float32Array(size);
  for (let start = 0, block = 0; start < size; start += PHILOX_WORDS, block++) {
    philox(words, block, 0, counter2, counter3, key0, key1);
    for (let i = 0; i < PHILOX_WORDS && start + i < size; i++) numbers[start + i] = draw(distribution, words, i);
  }
  return numbers;
}

function draw(distribution: Distribution, words: Uint32Array, i: number): number {
  const uniform = (index: number): number => ((words[index] ?? 0) & MANTISSA) * UNIT;
  if (distribution === 'uniform') return uniform(i);
  const pair = i - (i % 2);
  const radius = Math.sqrt(-2 * Math.log(Math.max(uniform(pair), 1e-7)));
  const angle = 2 * Math.PI * uniform(pair + 1);
  return radius * (i % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
}
