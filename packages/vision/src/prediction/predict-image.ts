import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import { type Detections, type ImageSource, prepareImage, type PrepareImageOptions } from '@hookline/images';
import { inEvalMode, tf } from '@hookline/tfjs';
import type { Detector } from '../detector/detector.ts';
import { postprocess, type PostprocessOptions } from '../postprocess/postprocess.ts';
import { predictViews, type TtaOptions } from './predict-views.ts';

/**
 * Options of {@link predictImage}. `size`, `fit`, `orient` and `fill` should be those of the training.
 */
export interface PredictImageOptions extends PrepareImageOptions, PostprocessOptions {
  /** Detects in several views of the image and merges what was found. @default false */
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

/**
 * Detects objects in one image, which {@link prepareImage} brings to the network's input as a `DetectionLoader` does, so that the
 * network sees what it sees in an evaluation.
 *
 * @param image path of a file, content of a file, or pixels
 * @throws HooklineError `HKL_PICTURE_READ`, `HKL_DETECT_SIZE`, `HKL_OPTION_UNKNOWN`
 */
export async function predictImage(
  model: Pick<Detector, 'training' | 'predict'>,
  image: ImageSource,
  options: PredictImageOptions = {},
): Promise<ImagePrediction> {
  assertKnownOptions('predictImage', options, OPTIONS);
  const { size, fit, fill, orient } = options;
  if (size !== undefined && !(size.width >= 1 && size.height >= 1)) throw badSize(size);
  const { input, width, height, toImage } = await prepareImage(image, {
    ...(size && { size: { width: Math.round(size.width), height: Math.round(size.height) } }),
    ...(fit && { fit }),
    ...(fill !== undefined && { fill }),
    ...(orient !== undefined && { orient }),
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
  if (tta !== false) return predictViews(model, input, { ...options, ...(tta === true ? {} : tta) });
  const outputs = inEvalMode(model, () => model.predict(input));
  try {
    return await postprocess(outputs, options);
  } finally {
    tf.dispose([outputs.boxes, outputs.scores]);
  }
}

const badSize = ({ width, height }: { readonly width: number; readonly height: number }): HooklineError =>
  new HooklineError('HKL_DETECT_SIZE', `the size is ${width} x ${height}`, {
    who: 'predictImage',
    fix: 'Give width and height in pixels',
  });
