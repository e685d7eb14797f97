import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import {
  type Fit,
  fitSize,
  type Detections,
  scaleBoxes,
  type Picture,
  decodePicture,
  resizePicture,
} from '@hookline/images';
import { inEvalMode, tf } from '@hookline/tfjs';
import type { Detector } from '../detector/detector.ts';
import { postprocess, type PostprocessOptions } from '../postprocess/postprocess.ts';
import { predictViews, type TtaOptions } from './predict-views.ts';

/** Options of {@link predictImage}. */
export interface PredictImageOptions extends PostprocessOptions {
  /** Size of the network's input, as in training. @default that of the image */
  readonly size?: { readonly width: number; readonly height: number };
  /** How the image comes to that size: in proportion, with the rest filled up, or stretched to all of it. @default 'inside' */
  readonly fit?: Fit;
  /** Value of the pixels that fill the input up, as in training. @default 114 */
  readonly fill?: number;
  /**
   * Whether the EXIF rotation of a file is applied before the network sees it. False where the training data were annotated on
   * the pixels as stored; boxes come in pixels of the image as it is looked at all the same. @default true
   */
  readonly orient?: boolean;
  /** Looks at it in several views. @default false */
  readonly tta?: TtaOptions | boolean;
}

const OPTIONS = {
  ...{ size: true, fit: true, fill: true, orient: true, tta: true },
  ...{ scoreThreshold: true, topK: true, nmsThreshold: true, maxDetections: true },
} as const satisfies OptionNames<PredictImageOptions>;

/** What was found in an image. */
export interface ImagePrediction {
  /** Pixels of the image as it is looked at: EXIF rotation applied. */
  readonly width: number;
  readonly height: number;
  /** In pixels of that image. */
  readonly detections: Detections;
}

/** What the network sees of an image. */
interface Input {
  /** Red, green and blue bytes of the image at the size at which the network sees it. */
  readonly picture: Picture;
  readonly width: number;
  readonly height: number;
  /** From pixels of the input to those of the image, without cutting. */
  readonly back: (boxes: Float32Array<ArrayBuffer>) => Float32Array<ArrayBuffer>;
}

/**
 * Detects in one image. A file is decoded and brought to the size of the input by the code that a `DetectionLoader` uses,
 * so that the network sees what it sees in an evaluation.
 *
 * @param image path of a file, or a picture
 * @throws HooklineError `HKL_PICTURE_READ`, `HKL_DETECT_SIZE`, `HKL_OPTION_UNKNOWN`
 */
export async function predictImage(
  model: Pick<Detector, 'training' | 'predict'>,
  image: string | Picture,
  options: PredictImageOptions = {},
): Promise<ImagePrediction> {
  assertKnownOptions('predictImage', options, OPTIONS);
  const { size } = options;
  if (size !== undefined && !(size.width >= 1 && size.height >= 1)) throw noSize(size);
  const { picture, width, height, back } = await (typeof image === 'string'
    ? inputOfFile(image, options)
    : inputOfPicture(image, options));
  const input = tf.tidy(() => framed(picture, options));
  try {
    const [found] = (await detect(model, input, options)) as [Detections];
    const detections = { ...found, boxes: back(found.boxes.slice()) };
    scaleBoxes(detections, [1, 1], { width, height });
    return { width, height, detections };
  } finally {
    input.dispose();
  }
}

async function inputOfFile(file: string, { size, fit, orient }: PredictImageOptions): Promise<Input> {
  const given = { ...(size && { size }), ...(fit && { fit }), ...(orient !== undefined && { orient }) };
  const { image, width, height, transform } = await decodePicture(file, given);
  const inverse = transform.inverse();
  const back = (boxes: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> => inverse.applyBoxes(boxes);
  return { picture: { ...image, channels: 3 }, width, height, back };
}

async function inputOfPicture(image: Picture, { size, fit = 'inside' }: PredictImageOptions): Promise<Input> {
  const { width, height } = image;
  const picture = await resizePicture(image, size === undefined ? image : fitSize(image, size, fit));
  const [across, down] = [width / picture.width, height / picture.height];
  const back = (boxes: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> =>
    boxes.map((edge, place) => edge * (place % 2 === 0 ? across : down));
  return { picture, width, height, back };
}

/** The picture as a batch of one, at the left upper corner of an input of the size that is asked for. */
function framed({ data, width, height }: Picture, { size, fill = 114 }: PredictImageOptions): tf.Tensor4D {
  const pixels = tf.tensor4d(Float32Array.from(data), [1, height, width, 3]);
  if (size === undefined) return pixels;
  const [below, right] = [Math.round(size.height) - height, Math.round(size.width) - width];
  return below === 0 && right === 0 ? pixels : pixels.pad([[0, 0], [0, below], [0, right], [0, 0]], fill); // prettier-ignore
}

async function detect(
  model: Pick<Detector, 'training' | 'predict'>,
  input: tf.Tensor4D,
  { tta = false, ...options }: PredictImageOptions,
): Promise<Detections[]> {
  if (tta !== false) return predictViews(model, input, { ...options, ...(tta === true ? {} : tta) });
  const outputs = inEvalMode(model, () => model.predict(input));
  try {
    return await postprocess(outputs, options);
  } finally {
    tf.dispose([outputs.boxes, outputs.scores]);
  }
}

const noSize = ({ width, height }: { readonly width: number; readonly height: number }): HooklineError =>
  new HooklineError('HKL_DETECT_SIZE', `the size is ${width} x ${height}`, {
    who: 'predictImage',
    fix: 'Give width and height in pixels',
  });
