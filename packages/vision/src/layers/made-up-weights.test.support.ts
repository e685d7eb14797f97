import type { ForeignWeight, TrainableModel } from '@hookline/tfjs';
import { modelVariables, tf } from '@hookline/tfjs';

/** FNV-1a of a name, 32 bits. */
function hashed(name: string): number {
  let value = 2166136261;
  for (const byte of new TextEncoder().encode(name)) value = Math.imul(value ^ byte, 16777619) >>> 0;
  return value;
}

/** Numbers from -1 to 1 that the fixture's script makes too, of a name and their places. */
export function noise(name: string, count: number): Float64Array {
  const start = hashed(name);
  const values = new Float64Array(count);
  // Jest makes looking up a global slow.
  const { imul } = Math;
  for (let place = 0; place < count; place++) {
    let x = (imul(place, 2654435761) + start) >>> 0;
    x = imul(x ^ (x >>> 16), 73244475) >>> 0;
    x = imul(x ^ (x >>> 16), 73244475) >>> 0;
    x = (x ^ (x >>> 16)) >>> 0;
    values[place] = x / 2 ** 31 - 1;
  }
  return values;
}

/** Weights of a tensor of torch's name and shape. */
function madeUp(name: string, shape: readonly number[]): Float32Array {
  const values = noise(
    name,
    shape.reduce((product, side) => product * side, 1),
  );
  const fanIn = shape.slice(1).reduce((product, side) => product * side, 1);
  const [scale, offset] = name.endsWith('running_mean')
    ? [0.3, 0]
    : name.endsWith('running_var')
      ? [0.5, 1]
      : shape.length > 1
        ? [(6 / fanIn) ** 0.5, 0]
        : name.endsWith('weight')
          ? [0.5, 1]
          : [0.3, 0];
  const weights = new Float32Array(values.length);
  for (let place = 0; place < weights.length; place++) weights[place] = offset + scale * (values[place] as number);
  return weights;
}

/** How axes of torch become ours, and back. */
const AXES = {
  same: { toOurs: undefined, toTorch: undefined },
  convolution: { toOurs: [2, 3, 1, 0], toTorch: [3, 2, 0, 1] },
  depthwise: { toOurs: [2, 3, 0, 1], toTorch: [2, 3, 0, 1] },
  linear: { toOurs: [1, 0], toTorch: [1, 0] },
} as const;

/** A tensor of ours with torch's order of axes. */
export function asInTorch(ours: tf.Tensor, { layout }: Pick<ForeignWeight, 'layout'>): tf.Tensor {
  const { toTorch } = AXES[layout];
  return toTorch === undefined ? ours : tf.transpose(ours, [...toTorch]);
}

/** Gives a model the weights that the fixture's networks have. @returns how many variables it has set */
export function fillAsInTorch(model: TrainableModel): number {
  const table = model.weightTable?.() ?? {};
  const variables = modelVariables(model);
  for (const [ours, { name, layout }] of Object.entries(table)) {
    const variable = variables.get(ours) as tf.Variable;
    tf.tidy(() => {
      const { shape } = asInTorch(variable, { layout });
      const theirs = tf.tensor(madeUp(name, shape), shape);
      const { toOurs } = AXES[layout];
      variable.assign(toOurs === undefined ? theirs : tf.transpose(theirs, [...toOurs]));
    });
  }
  return Object.keys(table).length;
}
