import { folderOf, type Postprocessing, type Preparation, readFacts } from './export-facts.ts';
import { InferenceError } from './inference-error.ts';
import { type PictureSource, readPixels, type Rgb } from './pixels.ts';
import { resize } from './resize.ts';
import { type LoadOptions, openModel } from './runtimes.ts';
import { suppress } from './suppress.ts';

/** One object that was found. */
export interface Detection {
  /** The name of its class. */
  readonly class: string;
  /** From 0 to 1. */
  readonly score: number;
  /** Corners x1, y1, x2, y2 in pixels of the picture. */
  readonly box: readonly [number, number, number, number];
}

/** Options of `detect`. */
export interface DetectOptions {
  /** Leaves out what is less certain, from 0 to 1. @default 0.4, as `hookline predict` */
  readonly score?: number;
}

/** What was found in a picture. */
export interface DetectResult {
  /** Of the picture, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Best score first. */
  readonly detections: readonly Detection[];
}

/** A detector that has been loaded. */
export interface LoadedDetector {
  readonly classNames: readonly string[];
  /**
   * Finds objects in a picture of any size.
   *
   * @throws InferenceError `HKL_INFERENCE_PICTURE`
   */
  detect(picture: PictureSource, options?: DetectOptions): Promise<DetectResult>;
  /** Frees the model. */
  dispose(): Promise<void>;
}

const PREPARATION: Pick<Preparation, 'fit' | 'fill'> = { fit: 'inside', fill: 114 };
const POSTPROCESSING: Postprocessing = { scoreThreshold: 0.05, topK: 1000, nmsThreshold: 0.5, maxDetections: 100 };

/**
 * Loads a detector that `hookline export` has written as graph-model or onnx.
 *
 * @param url of the folder with `export.json`
 * @param options what runs it: `{ tf }` with TensorFlow.js, or `{ ort }` with ONNX Runtime
 *
 * @example
 * import * as tf from '@tensorflow/tfjs';
 * const detector = await loadDetector('/model/', { tf });
 * const { detections } = await detector.detect(document.querySelector('img'));
 *
 * @throws InferenceError `HKL_INFERENCE_MODEL` for what is no detector, `HKL_INFERENCE_RUNTIME` without its runtime
 */
export async function loadDetector(url: string | URL, options: LoadOptions): Promise<LoadedDetector> {
  const folder = folderOf(url);
  const facts = await readFacts(folder);
  const { task, classNames, inputs } = facts;
  if (task !== 'detection' || classNames === undefined)
    throw new InferenceError('HKL_INFERENCE_MODEL', `the model "${facts.model}" is no detector`);
  const [, height, width] = inputs[0]?.shape ?? [];
  const preparation = { ...PREPARATION, ...(width && { width }), ...(height && { height }), ...facts.preparation };
  if (!(preparation.width && preparation.height))
    throw new InferenceError(
      'HKL_INFERENCE_MODEL',
      `it is not said at which size the model "${facts.model}" sees pictures`,
    );
  const frame = preparation as Preparation;
  const postprocessing = { ...POSTPROCESSING, ...facts.postprocessing };
  const model = await openModel(folder, facts, options);
  return {
    classNames,
    detect: async (picture, { score = 0.4 } = {}) => {
      const pixels = readPixels(picture);
      const { input, across, down } = frameOf(pixels, frame);
      const outputs = await model.run(input, [1, frame.height, frame.width, 3]);
      const [boxes, scores] = [outputs.get('boxes'), outputs.get('scores')];
      if (boxes === undefined || scores === undefined)
        throw new InferenceError('HKL_INFERENCE_MODEL', 'the model gives no boxes and scores');
      const found = suppress(scores.values, boxes.values, classNames.length, postprocessing);
      const inside = (value: number, size: number): number => Math.min(Math.max(value, 0), size);
      const detections = found
        .filter((each) => each.score >= score)
        .map(({ box: [x1, y1, x2, y2], score: certainty, kind }): Detection => ({
          class: classNames[kind] as string,
          score: certainty,
          box: [
            inside(x1 * across, pixels.width),
            inside(y1 * down, pixels.height),
            inside(x2 * across, pixels.width),
            inside(y2 * down, pixels.height),
          ],
        }));
      return { width: pixels.width, height: pixels.height, detections };
    },
    dispose: () => model.dispose(),
  };
}

/** What the network sees of a picture, and how many pixels of the picture one of it is. */
function frameOf(picture: Rgb, { width, height, fit, fill }: Preparation) {
  const size = fit === 'stretch' ? { width, height } : sizeInside(picture, { width, height });
  const { data } = resize(picture, size.width, size.height);
  const input = new Float32Array(width * height * 3).fill(fill);
  for (let y = 0; y < size.height; y++)
    input.set(data.subarray(y * size.width * 3, (y + 1) * size.width * 3), y * width * 3);
  return { input, across: picture.width / size.width, down: picture.height / size.height };
}

/** The largest size in the picture's proportion that fits, as the loader decodes it. */
function sizeInside(picture: Rgb, frame: { readonly width: number; readonly height: number }) {
  const scale = Math.min(frame.width / picture.width, frame.height / picture.height);
  const side = (size: number, most: number): number => Math.max(1, Math.min(most, Math.round(size * scale)));
  return { width: side(picture.width, frame.width), height: side(picture.height, frame.height) };
}
