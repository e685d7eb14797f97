import { assertKnownOptions, HooklineError, type OptionNames, pickOptions } from '@hookline/core';
import {
  type Detections,
  type ImageSource,
  PREPARE_OPTIONS,
  prepareImage,
  type PrepareImageOptions,
} from '@hookline/images';
import { inEvalMode, tf } from '@hookline/tfjs';
import type { Detector } from '../detector/detector.ts';
import { postprocess, POSTPROCESS_OPTIONS, type PostprocessOptions } from '../postprocess/postprocess.ts';
import { predictViews, TTA_OPTIONS, type TtaOptions } from './predict-views.ts';

/** Options of {@link predictImage}. Use the `size`, `fit`, `orient` and `fill` of training. */
export interface PredictImageOptions extends PrepareImageOptions, PostprocessOptions {
  /** Test-time augmentation: detects in several views of the image and merges the detections. @default false */
  readonly tta?: TtaOptions | boolean;
}

const OPTIONS = {
  ...PREPARE_OPTIONS,
  ...POSTPROCESS_OPTIONS,
  tta: true,
} as const satisfies OptionNames<PredictImageOptions>;

/** The detections of an image. */
export interface ImagePrediction {
  /** Size of the upright image, EXIF rotation applied, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Best score first, boxes in pixels of the upright image. */
  readonly detections: Detections;
}

/**
 * Detects objects in one image. {@link prepareImage} prepares it as a `DetectionLoader` does, so that the network sees the same
 * input as in an evaluation.
 *
 * @param image path of a file, content of a file, or pixels
 * @throws HooklineError `HKL_PICTURE_READ` for a file that cannot be decoded, `HKL_DETECT_SIZE` for a size below 1 pixel,
 * `HKL_OPTION_UNKNOWN`
 */
export async function predictImage(
  model: Pick<Detector, 'training' | 'predict'>,
  image: ImageSource,
  options: PredictImageOptions = {},
): Promise<ImagePrediction> {
  assertKnownOptions('predictImage', options, OPTIONS);
  if (typeof options.tta === 'object') assertKnownOptions('option "tta" of predictImage', options.tta, TTA_OPTIONS);
  const { size } = options;
  if (size !== undefined && !(size.width >= 1 && size.height >= 1)) throw badSize(size);
  const { input, width, height, toImage } = await prepareImage(image, {
    ...pickOptions(options, PREPARE_OPTIONS),
    ...(size && { size: { width: Math.round(size.width), height: Math.round(size.height) } }),
  });
  const pixels = tf.tensor4d(Float32Array.from(input.data), [1, input.height, input.width, 3]);
  try {
    const [found] = (await detect(model, pixels, options)) as [Detections];
    return { width, height, detections: toImage(found) };
  } finally {
    pixels.dispose();
  }
}

async function detect(
  model: Pick<Detector, 'training' | 'predict'>,
  input: tf.Tensor4D,
  { tta = false, ...options }: PredictImageOptions,
): Promise<Detections[]> {
  const given = pickOptions(options, POSTPROCESS_OPTIONS);
  if (tta !== false) return predictViews(model, input, { ...given, ...(tta === true ? {} : tta) });
  const outputs = inEvalMode(model, () => model.predict(input));
  try {
    return await postprocess(outputs, given);
  } finally {
    tf.dispose([outputs.boxes, outputs.scores]);
  }
}

const badSize = ({ width, height }: { readonly width: number; readonly height: number }): HooklineError =>
  new HooklineError('HKL_DETECT_SIZE', `the size is ${width} x ${height}`, {
    who: 'predictImage',
    fix: 'Give width and height in pixels',
  });
