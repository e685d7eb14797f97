import type { HostTensor } from '@hookline/core';
import type { WeightLayout } from '../model/weight-table.ts';

type Shape = readonly number[];

/** How to permute a tensor of PyTorch into our axes. */
interface Arrangement {
  /** PyTorch's shape, with an axis split in two where ours has two axes for it. */
  readonly shape: Shape;
  /** For each of our axes, the index of the axis in `shape`. */
  readonly axes: readonly number[];
}

/**
 * Permutes a weight from PyTorch's axes to ours.
 *
 * @param wanted the shape of our variable
 * @returns undefined where a weight of this layout cannot have the tensor's shape
 */
export function toOurLayout(tensor: HostTensor, layout: WeightLayout, wanted: Shape): HostTensor | undefined {
  if (layout === 'same') return tensor;
  const arranged = arrangementOf(tensor.shape, layout, wanted);
  return arranged && permute({ ...tensor, shape: arranged.shape }, arranged.axes);
}

/** Permutes a weight from our axes to PyTorch's. */
export function toForeignLayout(tensor: HostTensor, layout: WeightLayout): HostTensor {
  const { shape } = tensor;
  const last = shape.length - 1;
  switch (layout) {
    case 'same':
      return tensor;
    case 'linear':
    case 'convolution':
      return permute(tensor, [last, last - 1, ...shape.slice(0, -2).keys()]);
    case 'depthwise': {
      const { data, dtype } = permute(tensor, [last - 1, last, ...shape.slice(0, -2).keys()]);
      return { dtype, data, shape: [(shape[last - 1] as number) * (shape[last] as number), 1, ...shape.slice(0, -2)] };
    }
  }
}

function arrangementOf(shape: Shape, layout: Exclude<WeightLayout, 'same'>, wanted: Shape): Arrangement | undefined {
  const rank = layout === 'linear' ? 2 : shape.length;
  if (shape.length !== rank || rank < 2) return undefined;
  const spatial = Array.from({ length: rank - 2 }, (_, axis) => axis + 2);
  if (layout !== 'depthwise') return { shape, axes: [...spatial, 1, 0] };
  // PyTorch's (C·M) 1 H W is C M H W in memory, because the M outputs of a channel are adjacent.
  const multiplier = wanted.at(-1);
  if (multiplier === undefined || shape[1] !== 1) return undefined;
  const channels = (shape[0] as number) / multiplier;
  if (!Number.isInteger(channels)) return undefined;
  return { shape: [channels, multiplier, ...shape.slice(2)], axes: [...spatial, 0, 1] };
}

/** Transposes a tensor: axis `i` of the result is axis `axes[i]` of the given tensor. */
function permute({ dtype, shape, data }: HostTensor, axes: readonly number[]): HostTensor {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const sizes = axes.map((axis) => shape[axis] as number);
  const steps = axes.map((axis) => strides[axis] as number);
  const from = data as Float32Array;
  const to = data.slice() as Float32Array<ArrayBuffer>;
  // The last axis has its own inner loop for speed, because a large model has tens of millions of numbers.
  const width = sizes.at(-1) as number;
  const step = steps.at(-1) as number;
  const place = axes.map(() => 0);
  let row = 0;
  for (let target = 0; target < to.length; target += width) {
    for (let column = 0; column < width; column++) to[target + column] = from[row + column * step] as number;
    for (let axis = axes.length - 2; axis >= 0; axis--) {
      row += steps[axis] as number;
      place[axis] = (place[axis] as number) + 1;
      if ((place[axis] as number) < (sizes[axis] as number)) break;
      row -= (steps[axis] as number) * (sizes[axis] as number);
      place[axis] = 0;
    }
  }
  return { dtype, shape: sizes, data: to };
}
