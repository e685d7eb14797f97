import tf from '#tfjs';
import { NATIVE_BACKEND } from '../device/native-backend.ts';

type Attributes = Readonly<Record<string, unknown>>;
type Rule = (dy: tf.Tensor, saved: readonly tf.Tensor[], attrs: Attributes) => Record<string, () => tf.Tensor>;

/** Kernels with two inputs and a boolean result. */
const COMPARISONS: readonly string[] = [
  tf.Equal,
  tf.NotEqual,
  tf.Greater,
  tf.GreaterEqual,
  tf.Less,
  tf.LessEqual,
  tf.LogicalAnd,
  tf.LogicalOr,
];
/** Kernels with one input and a boolean result. */
const TESTS: readonly string[] = [tf.LogicalNot, tf.All, tf.Any];

/**
 * Replaces gradients of tfjs that need as many ops as there are repetitions (`tf.tile`), that copy arrays of ones from
 * the host (`tf.sum`, `tf.mean`), or that are wrong (`tf.mirrorPad`; `tf.cumsum` along any axis but the last).
 */
export function registerTfjsGradients(): void {
  replaceGradient(tf.Tile, ['x'], (dy, [x], { reps }) => ({
    x: () => sumRepetitions(dy, shapeOf(x), reps as readonly number[]),
  }));
  replaceOnNative(tf.Sum, (dy, [x], { axis }) => ({ x: () => spread(dy, shapeOf(x), axis) }));
  replaceOnNative(tf.Mean, (dy, [x], { axis }) => {
    const count = reducedAxes(shapeOf(x), axis).reduce((product, each) => product * (shapeOf(x)[each] as number), 1);
    return { x: () => spread(dy.div(count), shapeOf(x), axis) };
  });
  replaceGradient(tf.Cumsum, [], (dy, _, { axis, exclusive, reverse }) => ({
    x: () => tf.cumsum(dy, axis as number, exclusive as boolean, reverse !== true),
  }));
  replaceGradient(tf.MirrorPad, ['x'], (dy, [x], { paddings, mode }) => ({
    x: () => foldMirrored(dy, shapeOf(x), paddings as readonly (readonly [number, number])[], mode === 'reflect'),
  }));
}

/**
 * Registers gradients that tfjs lacks and that are zero (comparisons) or a single op. They enable gradients of
 * gradients, as in a gradient penalty, through LeakyReLU, maxima, convolutions, poolings and resizings.
 */
export function registerMissingGradients(): void {
  for (const kernel of COMPARISONS) {
    replaceGradient(kernel, ['a', 'b'], (_, [a, b]) => ({ a: zerosOf(a), b: zerosOf(b) }));
  }
  for (const kernel of TESTS) addGradient(kernel, ['x'], (_, [x]) => ({ x: zerosOf(x) }));
  addGradient(tf.GatherNd, ['params', 'indices'], (dy, [params, indices]) => ({
    params: () => tf.scatterND(indices as tf.Tensor, dy, shapeOf(params)),
    indices: zerosOf(indices),
  }));
  addGradient(tf.ScatterNd, ['indices', 'updates'], (dy, [indices]) => ({
    updates: () => tf.gatherND(dy, indices as tf.Tensor),
    indices: zerosOf(indices),
  }));
  addGradient(tf.EluGrad, ['dy', 'y'], (second, [dy, y]) => ({
    dy: () => tf.engine().runKernel<tf.Tensor>(tf.EluGrad, { dy: second, y: y as tf.Tensor }),
    y: () => second.mul(dy as tf.Tensor).mul(tf.less(y as tf.Tensor, 0).cast('float32')),
  }));
  addGradient(tf.AvgPoolGrad, ['input'], (second, [input], { filterSize, strides, pad }) => ({
    dy: () => tf.avgPool(second as tf.Tensor4D, filterSize as number, strides as number, pad as number),
    input: zerosOf(input),
  }));
  addGradient(tf.ResizeBilinearGrad, ['images', 'dy'], (second, [images, dy], { alignCorners, halfPixelCenters }) => ({
    dy: () =>
      tf.image.resizeBilinear(second as tf.Tensor4D, sidesOf(dy), alignCorners as boolean, halfPixelCenters as boolean),
    images: zerosOf(images),
  }));
  addGradient(
    tf.ResizeNearestNeighborGrad,
    ['images', 'dy'],
    (second, [images, dy], { alignCorners, halfPixelCenters }) => ({
      dy: () =>
        tf.image.resizeNearestNeighbor(
          second as tf.Tensor4D,
          sidesOf(dy),
          alignCorners as boolean,
          halfPixelCenters as boolean,
        ),
      images: zerosOf(images),
    }),
  );
  addGradient(tf.Conv2DBackpropFilter, ['x', 'dy'], (second, [x, dy], { strides, pad, dataFormat }) => {
    const filter = second as tf.Tensor4D;
    const [stride, padding] = [strides as number, pad as 'same'];
    return {
      x: () => tf.conv2dTranspose(dy as tf.Tensor4D, filter, shapeOf(x) as FourSizes, stride, padding),
      dy: () => tf.conv2d(x as tf.Tensor4D, filter, stride, padding, dataFormat as 'NHWC'),
    };
  });
  addGradient(tf.DepthwiseConv2dNativeBackpropInput, ['dy', 'filter'], (second, [dy, filter], attrs) => {
    const { strides, pad, dilations } = attrs;
    return {
      dy: () =>
        tf.depthwiseConv2d(
          second as tf.Tensor4D,
          filter as tf.Tensor4D,
          strides as number,
          pad as 'same',
          'NHWC',
          dilations as number,
        ),
      filter: () =>
        tf.engine().runKernel<tf.Tensor>(
          tf.DepthwiseConv2dNativeBackpropFilter,
          { x: second, dy: dy as tf.Tensor },
          {
            ...attrs,
            filterShape: shapeOf(filter),
          },
        ),
    };
  });
}

type FourSizes = [number, number, number, number];

function replaceGradient(kernel: string, inputsToSave: string[], rule: Rule): void {
  if ((tf.getGradient(kernel) as tf.GradConfig | undefined) !== undefined) tf.unregisterGradient(kernel);
  addGradient(kernel, inputsToSave, rule);
}

function addGradient(kernelName: string, inputsToSave: string[], rule: Rule): void {
  const gradFunc: tf.GradFunc = (dy, saved, attrs) => rule(dy as tf.Tensor, saved, attrs);
  // Some versions of tfjs already have one of these.
  if ((tf.getGradient(kernelName) as tf.GradConfig | undefined) !== undefined) return;
  tf.registerGradient({ kernelName, inputsToSave, gradFunc });
}

/**
 * Replaces a gradient on native TensorFlow, where one kernel beats tfjs's composed gradient. Other backends keep tfjs's
 * own.
 */
function replaceOnNative(kernel: string, rule: Rule): void {
  const original = tf.getGradient(kernel);
  tf.unregisterGradient(kernel);
  tf.registerGradient({
    ...original,
    gradFunc: (dy, saved, attrs) => {
      // TensorFlow's Tile supports at most seven axes.
      const isNative = tf.getBackend() === NATIVE_BACKEND && shapeOf(saved[0]).length < 8;
      return isNative ? rule(dy as tf.Tensor, saved, attrs) : original.gradFunc(dy, saved, attrs);
    },
  });
}

const shapeOf = (tensor: tf.Tensor | undefined): number[] => (tensor as tf.Tensor).shape;
const sidesOf = (images: tf.Tensor | undefined): [number, number] => shapeOf(images).slice(1, 3) as [number, number];
const zerosOf =
  (tensor: tf.Tensor | undefined): (() => tf.Tensor) =>
  () =>
    tf.fill(shapeOf(tensor), 0);
const reducedAxes = (shape: readonly number[], axis: unknown): number[] =>
  tf.util.parseAxisParam(axis as number | number[], [...shape]);

/** Repeats a gradient along the axes that were summed. */
function spread(dy: tf.Tensor, shape: readonly number[], axis: unknown): tf.Tensor {
  const axes = new Set(reducedAxes(shape, axis));
  const kept = shape.map((size, each) => (axes.has(each) ? 1 : size));
  const repetitions = shape.map((size, each) => (axes.has(each) ? size : 1));
  const row = dy.reshape(kept);
  return repetitions.every((each) => each === 1) ? row : row.tile(repetitions);
}

/**
 * Sums a tiled tensor over its repetitions, with one reshape to [before, repetitions, after] and one sum for each run
 * of repeated axes.
 */
function sumRepetitions(dy: tf.Tensor, shape: readonly number[], reps: readonly number[]): tf.Tensor {
  const { sizeFromShape } = tf.util;
  let sum = dy;
  // The current size of each axis.
  const sizes = shape.map((size, axis) => size * (reps[axis] as number));
  for (let axis = 0; axis < shape.length; axis++) {
    let repetitions = reps[axis] as number;
    if (repetitions === 1) continue;
    const first = axis;
    // Merge consecutive axes of size one into a single axis.
    while (shape[axis] === 1 && (reps[axis + 1] ?? 1) > 1) repetitions *= reps[++axis] as number;
    const before = sizeFromShape(sizes.slice(0, first));
    const after = (shape[axis] as number) * sizeFromShape(sizes.slice(axis + 1));
    sum = sum.reshape([before, repetitions, after]).sum(1);
    for (let each = first; each <= axis; each++) sizes[each] = shape[each] as number;
  }
  return sum.reshape([...shape]);
}

/** Adds the gradients of mirrored borders to the elements that were mirrored. */
function foldMirrored(
  dy: tf.Tensor,
  shape: readonly number[],
  paddings: readonly (readonly [number, number])[],
  isReflected: boolean,
): tf.Tensor {
  let folded = dy;
  // Reflection does not repeat the outermost element.
  const skipped = isReflected ? 1 : 0;
  for (const [axis, [left, right]] of paddings.entries()) {
    const size = shape[axis] as number;
    const part = (from: number, length: number): tf.Tensor => {
      const begin = folded.shape.map(() => 0);
      begin[axis] = from;
      return folded.slice(
        begin,
        folded.shape.map((each, other) => (other === axis ? length : each)),
      );
    };
    const placed = (border: tf.Tensor, from: number): tf.Tensor => {
      const around = border.shape.map((): [number, number] => [0, 0]);
      around[axis] = [from, size - from - (border.shape[axis] as number)];
      return border.reverse(axis).pad(around);
    };
    const terms = [part(left, size)];
    if (left > 0) terms.push(placed(part(0, left), skipped));
    if (right > 0) terms.push(placed(part(left + size, right), size - right - skipped));
    folded = terms.length === 1 ? (terms[0] as tf.Tensor) : tf.addN(terms);
  }
  return folded;
}
