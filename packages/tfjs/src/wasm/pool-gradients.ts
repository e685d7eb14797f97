import tf from '#tfjs';
import type { ComposedKernel, KernelCall } from './wasm-kernel.ts';

interface Attributes {
  readonly filterSize: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Visits a window of the input: its rows and columns, from (inclusive) to (exclusive), within the image. */
type EachWindow = (
  output: number,
  rows: readonly [number, number],
  columns: readonly [number, number],
  image: number,
) => void;

interface Pooling {
  readonly x: Float32Array;
  readonly dy: Float32Array;
  readonly dx: Float32Array;
  readonly width: number;
  readonly channels: number;
  /** Calls `visit` for each output pixel with the index of its first channel and its window. */
  readonly forEachWindow: (visit: EachWindow) => void;
}

/**
 * Gradient of max pooling: each output's gradient goes to the first maximum of its window, as in TensorFlow.
 *
 * The backend's own kernel recognises a maximum only above zero, so windows of negative values lose their gradient.
 * This occurs with tfjs 4.22 wherever pooling comes before the activation.
 */
export const maxPoolGradient: ComposedKernel<Attributes> = {
  name: 'MaxPoolGrad',
  run: (call) =>
    distribute(call, ({ x, dy, dx, width, channels, forEachWindow }) => {
      forEachWindow((output, [top, bottom], [left, right], image) => {
        for (let channel = 0; channel < channels; channel++) {
          let best = Number.NEGATIVE_INFINITY;
          let position = image + (top * width + left) * channels + channel;
          for (let row = top; row < bottom; row++) {
            let index = image + (row * width + left) * channels + channel;
            for (let column = left; column < right; column++, index += channels) {
              const value = x[index] as number;
              if (value > best) {
                best = value;
                position = index;
              }
            }
          }
          dx[position] = (dx[position] as number) + (dy[output + channel] as number);
        }
      });
    }),
};

/**
 * Gradient of average pooling: the gradient is shared equally among the window's pixels inside the image, as in
 * TensorFlow and in the backend's own forward pass. The backend's own gradient also counts the padding.
 */
export const avgPoolGradient: ComposedKernel<Attributes> = {
  name: 'AvgPoolGrad',
  run: (call) =>
    distribute(call, ({ dy, dx, width, channels, forEachWindow }) => {
      forEachWindow((output, [top, bottom], [left, right], image) => {
        const share = 1 / ((bottom - top) * (right - left));
        for (let row = top; row < bottom; row++) {
          let index = image + (row * width + left) * channels;
          for (let column = left; column < right; column++) {
            for (let channel = 0; channel < channels; channel++, index++) {
              dx[index] = (dx[index] as number) + (dy[output + channel] as number) * share;
            }
          }
        }
      });
    }),
};

function distribute(
  { inputs, attrs, backend }: KernelCall<Attributes>,
  work: (pooling: Pooling) => void,
): tf.Tensor | undefined {
  const [input, dy] = [inputs['input'], inputs['dy']];
  if (input === undefined || dy === undefined) return undefined;
  const shape = input.shape as [number, number, number, number];
  const sizes = tf.backend_util.computePool2DInfo(
    shape,
    attrs.filterSize,
    attrs.strides,
    1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
  const [height, width, channels] = [sizes.inHeight, sizes.inWidth, sizes.inChannels];
  const { padInfo, outHeight, outWidth } = sizes;
  const dx = new Float32Array(input.size);
  const forEachWindow = (visit: EachWindow) => {
    let output = 0;
    for (let batch = 0; batch < sizes.batchSize; batch++) {
      for (let y = 0; y < outHeight; y++) {
        const rows = clip(y * sizes.strideHeight - padInfo.top, sizes.filterHeight, height);
        for (let x = 0; x < outWidth; x++, output += channels) {
          const columns = clip(x * sizes.strideWidth - padInfo.left, sizes.filterWidth, width);
          visit(output, rows, columns, batch * height * width * channels);
        }
      }
    }
  };
  const x = backend.typedArrayFromHeap(input) as Float32Array;
  work({ x, dy: backend.typedArrayFromHeap(dy) as Float32Array, dx, width, channels, forEachWindow });
  return tf.tensor(dx, shape);
}

function clip(start: number, size: number, limit: number): readonly [number, number] {
  return [Math.max(start, 0), Math.min(start + size, limit)];
}
