import tf from '#tfjs';

export interface ConvAttributes {
  readonly strides: number | [number, number];
  readonly pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type Shape4D = [number, number, number, number];

/** Returns the sizes of a convolution without dilation, from its attributes. */
export function convSizes(
  inputShape: readonly number[],
  filterShape: readonly number[],
  { strides, pad, dimRoundingMode }: ConvAttributes,
  depthwise = false,
  dilations: number | [number, number] = 1,
): tf.backend_util.Conv2DInfo {
  const [input, filter] = [inputShape as Shape4D, filterShape as Shape4D];
  return tf.backend_util.computeConv2DInfo(input, filter, strides, dilations, pad, dimRoundingMode, depthwise);
}

/** Pads rows and columns of an NHWC tensor, or crops them where the amount is negative. */
export function padOrCrop(
  x: tf.Tensor4D,
  rows: readonly [number, number],
  columns: readonly [number, number],
): tf.Tensor4D {
  const positive = (value: number) => Math.max(value, 0);
  let result = x;
  if ([...rows, ...columns].some((value) => value < 0)) {
    const [batch, height, width, channels] = x.shape;
    const [top, bottom, left, right] = [...rows, ...columns].map((value) => positive(-value)) as Shape4D;
    result = tf.slice(x, [0, top, left, 0], [batch, height - top - bottom, width - left - right, channels]);
  }
  if (![...rows, ...columns].some((value) => value > 0)) return result;
  return tf.pad(result, [
    [0, 0],
    [positive(rows[0]), positive(rows[1])],
    [positive(columns[0]), positive(columns[1])],
    [0, 0],
  ]);
}

/** Inserts `stride - 1` zero rows and columns between those of an NHWC tensor (none after the last). */
export function spread(x: tf.Tensor4D, strideHeight: number, strideWidth: number): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  if (strideHeight === 1 && strideWidth === 1) return x;
  const columns = tf.concat(
    [
      tf.reshape(x, [batch * height * width, channels]),
      tf.zeros([batch * height * width, (strideWidth - 1) * channels]),
    ],
    1,
  );
  const wide = width * strideWidth;
  const rows = tf.concat(
    [
      tf.reshape(columns, [batch * height, wide * channels]),
      tf.zeros([batch * height, (strideHeight - 1) * wide * channels]),
    ],
    1,
  );
  const full: tf.Tensor4D = tf.reshape(rows, [batch, height * strideHeight, wide, channels]);
  return padOrCrop(full, [0, 1 - strideHeight], [0, 1 - strideWidth]);
}
