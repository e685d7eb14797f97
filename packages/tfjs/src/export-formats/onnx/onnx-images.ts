import type { OnnxOp, OnnxWriter } from './onnx-op.ts';

// TensorFlow has channels last, ONNX has them first. ONNX Runtime removes most of the Transposes when it loads a model.

/** The permutation from channels last to channels first, and its inverse. */
const channelsFirst = (rank: number): number[] => [
  0,
  rank - 1,
  ...Array.from({ length: rank - 2 }, (_, axis) => axis + 1),
];
const channelsLast = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 2), 1];

const turn = (op: OnnxOp, place: number): string =>
  op.graph.node('Transpose', [op.input(place)], { perm: channelsFirst(op.shape(place).length) });

function turnBack(op: OnnxOp, name: string): void {
  op.graph.node('Transpose', [name], { perm: channelsLast(op.outputShape.length) }, op.output);
}

function assertChannelsLast(op: OnnxOp): void {
  const format = op.attribute('data_format', 'NHWC');
  if (!format.endsWith('C')) throw op.refuse(`has its channels first (${format})`);
}

/**
 * The padding of each axis: all beginnings, then all ends. ONNX Runtime's automatic padding does not support dilation.
 */
function padsOf(
  op: OnnxOp,
  sizes: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): number[] {
  const padding = op.attribute('padding', 'SAME');
  if (padding === 'VALID') return [...kernel, ...kernel].fill(0);
  if (padding !== 'SAME') throw op.refuse(`pads ${padding}`);
  const total = sizes.map((size, axis) => {
    const [stride, reach] = [strides[axis] as number, ((kernel[axis] as number) - 1) * (dilations[axis] as number) + 1];
    return Math.max((Math.ceil(size / stride) - 1) * stride + reach - size, 0);
  });
  return bothEnds(total);
}

/** Splits each total into halves for both ends; the odd element goes to the end. */
function bothEnds(total: readonly number[]): number[] {
  const begin = total.map((each) => Math.floor(each / 2));
  return [...begin, ...total.map((each, axis) => each - (begin[axis] as number))];
}

const pool =
  (name: string): OnnxWriter =>
  (op) => {
    assertChannelsLast(op);
    const [kernel, strides] = [op.spatial('ksize'), op.spatial('strides')];
    const pads = padsOf(op, op.shape(0).slice(1, -1), kernel, strides, kernel.map(() => 1)); // prettier-ignore
    turnBack(op, op.graph.node(name, [turn(op, 0)], { kernel_shape: kernel, strides, pads }));
  };

function conv(op: OnnxOp): void {
  assertChannelsLast(op);
  const rank = op.shape(1).length;
  const kernel = op.shape(1).slice(0, -2);
  const [strides, dilations] = [op.spatial('strides'), op.spatial('dilations', Array<number>(rank).fill(1))];
  const pads = padsOf(op, op.shape(0).slice(1, -1), kernel, strides, dilations);
  // From [height, width, in, out] to [out, in, height, width].
  const perm = [rank - 1, rank - 2, ...kernel.map((_, axis) => axis)];
  const weights = op.graph.node('Transpose', [op.input(1)], { perm });
  turnBack(op, op.graph.node('Conv', [turn(op, 0), weights], { strides, dilations, pads, kernel_shape: kernel }));
}

function depthwise(op: OnnxOp): void {
  assertChannelsLast(op);
  const [height = 1, width = 1, channels = 1, multiplier = 1] = op.shape(1);
  const kernel = [height, width];
  const [strides, dilations] = [op.spatial('strides'), op.spatial('dilations')];
  const pads = padsOf(op, op.shape(0).slice(1, -1), kernel, strides, dilations);
  const turned = op.graph.node('Transpose', [op.input(1)], { perm: [2, 3, 0, 1] });
  const weights = op.graph.node('Reshape', [turned, op.graph.longs([channels * multiplier, 1, height, width])]);
  const attributes = { group: channels, strides, dilations, pads, kernel_shape: kernel };
  turnBack(op, op.graph.node('Conv', [turn(op, 0), weights], attributes));
}

/**
 * Writes a transposed convolution. The op's inputs are the sizes of the result, a kernel [height, width, in, out] and
 * the values to upsample, [batch, height, width, out].
 */
function transposedConv(op: OnnxOp): void {
  assertChannelsLast(op);
  const kernel = op.shape(1).slice(0, 2);
  const [from, to] = [op.shape(2).slice(1, 3), op.outputShape.slice(1, 3)];
  const strides = op.spatial('strides');
  if (op.spatial('dilations').some((each) => each !== 1)) throw op.refuse('is dilated');
  const total = from.map(
    (size, axis) => (size - 1) * (strides[axis] as number) + (kernel[axis] as number) - (to[axis] as number),
  );
  // Where the result is larger than the kernels reach, it is filled with zeros.
  const missing = total.map((each) => Math.max(-each, 0));
  const pads = bothEnds(total.map((each) => Math.max(each, 0)));
  const weights = op.graph.node('Transpose', [op.input(1)], { perm: [3, 2, 0, 1] });
  const attributes = { strides, kernel_shape: kernel, pads, output_padding: missing };
  turnBack(op, op.graph.node('ConvTranspose', [turn(op, 2), weights], attributes));
}

const resize =
  (mode: 'linear' | 'nearest'): OnnxWriter =>
  (op) => {
    const [isHalf, isCorners] = [op.attribute('half_pixel_centers', false), op.attribute('align_corners', false)];
    const turned = turn(op, 0);
    // Pass sizes instead of scales, which are rounded. The sizes of batch and channels come from the input, since the
    // batch may be open.
    const kept = op.graph.node('Slice', [op.graph.node('Shape', [turned]), op.graph.longs([0]), op.graph.longs([2])]);
    const sizes = op.graph.node('Concat', [kept, op.graph.longs(op.numbers(1))], { axis: 0 });
    const coordinates = isCorners ? 'align_corners' : isHalf ? 'half_pixel' : 'asymmetric';
    const rounding = isCorners || isHalf ? 'round_prefer_ceil' : 'floor';
    const resized = op.graph.node('Resize', [turned, '', '', sizes], {
      mode,
      coordinate_transformation_mode: coordinates,
      ...(mode === 'nearest' && { nearest_mode: rounding }),
    });
    // TensorFlow's bilinear resizing returns floats for every input dtype.
    turnBack(op, resized);
  };

/** Convolutions, poolings, normalisations of images, and resizing. */
export const IMAGES: Readonly<Record<string, OnnxWriter>> = {
  ...{ Conv2D: conv, Conv3D: conv, DepthwiseConv2dNative: depthwise, Conv2DBackpropInput: transposedConv },
  ...{
    MaxPool: pool('MaxPool'),
    AvgPool: pool('AveragePool'),
    MaxPool3D: pool('MaxPool'),
    AvgPool3D: pool('AveragePool'),
  },
  ...{ ResizeBilinear: resize('linear'), ResizeNearestNeighbor: resize('nearest') },
  FusedBatchNorm: batchNorm,
  FusedBatchNormV3: batchNorm,
  LRN: (op) => {
    const size = 2 * op.attribute('depth_radius', 5) + 1;
    const attributes = {
      size,
      // ONNX divides by the number of summed channels.
      alpha: { float: op.attribute('alpha', 1) * size },
      beta: { float: op.attribute('beta', 0.5) },
      bias: { float: op.attribute('bias', 1) },
    };
    turnBack(op, op.graph.node('LRN', [turn(op, 0)], attributes));
  },
  DepthToSpace: (op) => {
    assertChannelsLast(op);
    const attributes = { blocksize: op.attribute('block_size', 1), mode: 'DCR' };
    turnBack(op, op.graph.node('DepthToSpace', [turn(op, 0)], attributes));
  },
};

function batchNorm(op: OnnxOp): void {
  assertChannelsLast(op);
  const inputs = [turn(op, 0), ...op.inputs.slice(1, 5)];
  turnBack(op, op.graph.node('BatchNormalization', inputs, { epsilon: { float: op.attribute('epsilon', 1e-3) } }));
}
