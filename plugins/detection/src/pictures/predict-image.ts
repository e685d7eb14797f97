import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import { inEvalMode, tf } from '@hookline/tfjs';
import type { Detector } from '../model/detector.ts';
import { type Detections, scaleBoxes } from '../postprocess/detections.ts';
import { postprocess, type PostprocessOptions } from '../postprocess/postprocess.ts';
import { predictViews, type TtaOptions } from '../tta/predict-views.ts';
import type { Picture } from './canvas.ts';
import { readPicture, resizePicture } from './picture-file.ts';

/** Options of {@link predictImage}. */
export interface PredictImageOptions extends PostprocessOptions {
  /** What the image is resized to for the network; as in training. @default its own size */
  readonly size?: { readonly width: number; readonly height: number };
  /** Whether the image is stretched to fill the size, or keeps its proportions within it. @default 'inside' */
  readonly fit?: 'fill' | 'inside';
  /** Looks at it in several views. @default false */
  readonly tta?: TtaOptions | boolean;
}

const OPTIONS = {
  size: true,
  fit: true,
  tta: true,
  scoreThreshold: true,
  topK: true,
  nmsThreshold: true,
  maxDetections: true,
} as const satisfies OptionNames<PredictImageOptions>;

/** An image with what was found in it. */
export interface ImagePrediction {
  readonly picture: Picture;
  /** In pixels of the picture. */
  readonly detections: Detections;
}

/**
 * Detects in one image.
 *
 * @param image path of a file, or a picture
 * @throws HooklineError `HKL_PICTURE_READ`, `HKL_DETECT_SIZE`
 */
export async function predictImage(
  model: Pick<Detector, 'training' | 'predict'>,
  image: string | Picture,
  options: PredictImageOptions = {},
): Promise<ImagePrediction> {
  assertKnownOptions('predictImage', options, OPTIONS);
  const picture = typeof image === 'string' ? await readPicture(image) : image;
  const size = inputSizeOf(picture, options);
  const { data } = await resizePicture(picture, size);
  const input = tf.tensor4d(Float32Array.from(data), [1, size.height, size.width, 3]);
  try {
    const [detections] = await detect(model, input, options);
    scaleBoxes(detections as Detections, [picture.width / size.width, picture.height / size.height], picture);
    return { picture, detections: detections as Detections };
  } finally {
    input.dispose();
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

function inputSizeOf(
  { width, height }: Picture,
  { size, fit = 'inside' }: PredictImageOptions,
): { width: number; height: number } {
  if (size === undefined) return { width, height };
  if (!(size.width >= 1 && size.height >= 1)) {
    throw new HooklineError('HKL_DETECT_SIZE', `the size is ${size.width} x ${size.height}`, {
      who: 'predictImage',
      fix: 'Give width and height in pixels',
    });
  }
  if (fit === 'fill') return { width: Math.round(size.width), height: Math.round(size.height) };
  const factor = Math.min(size.width / width, size.height / height);
  return { width: Math.max(1, Math.round(width * factor)), height: Math.max(1, Math.round(height * factor)) };
}
