import { detectionsOf, fitSize, PADDING, POSTPROCESS_DEFAULTS, type Size, toImagePixels } from './detections.ts';
import { folderOf, type Preparation, readFacts } from './export-facts.ts';
import { assertKnownOptions, InferenceError } from './inference-error.ts';
import { type PictureSource, readPixels, type Rgb } from './pixels.ts';
import { resize } from './resize.ts';
import { type LoadOptions, openModel } from './runtimes.ts';

/** One detected object. */
export interface Detection {
  /** Name of its class. */
  readonly class: string;
  /** Score from 0 to 1. */
  readonly score: number;
  /** Corners x1, y1, x2, y2 in pixels of the picture. */
  readonly box: readonly [number, number, number, number];
}

/** Options of `detect`. */
export interface DetectOptions {
  /** Detections with a lower score are left out. From 0 to 1. @default 0.4, as in `hookline predict` */
  readonly score?: number;
}

const DETECT_OPTIONS = { score: true } as const satisfies Record<keyof DetectOptions, true>;

/** The detections of a picture. */
export interface DetectResult {
  /** Size of the picture in pixels. */
  readonly width: number;
  readonly height: number;
  /** Best score first. */
  readonly detections: readonly Detection[];
}

/** A detector that is ready to run. */
export interface LoadedDetector {
  /** Names of the classes by their index. */
  readonly classNames: readonly string[];
  /**
   * Detects objects in a picture of any size.
   *
   * @throws InferenceError `HKL_INFERENCE_PICTURE` for a picture without pixels, `HKL_INFERENCE_OPTION`
   */
  detect(picture: PictureSource, options?: DetectOptions): Promise<DetectResult>;
  /** Frees the model. */
  dispose(): Promise<void>;
}

const PREPARATION: Pick<Preparation, 'fit' | 'fill'> = { fit: 'inside', fill: PADDING };

/**
 * Loads a detector that `hookline export` has written as graph-model or onnx.
 *
 * @param url URL of the folder with `export.json`, of that file, or of the model's file
 * @param options the runtime: `{ tf }` for TensorFlow.js, or `{ ort }` for ONNX Runtime
 *
 * @example
 * import * as tf from '@tensorflow/tfjs';
 * const detector = await loadDetector('/model/', { tf });
 * const { detections } = await detector.detect(document.querySelector('img'));
 *
 * @throws InferenceError `HKL_INFERENCE_MODEL` for a model that is not a detector, `HKL_INFERENCE_RUNTIME` without its runtime,
 * `HKL_INFERENCE_OPTION`
 */
export async function loadDetector(url: string | URL, options: LoadOptions): Promise<LoadedDetector> {
  const folder = folderOf(url);
  const facts = await readFacts(folder);
  const { task, classNames, inputs } = facts;
  if (task !== 'detection' || classNames === undefined)
    throw new InferenceError('HKL_INFERENCE_MODEL', `the model "${facts.model}" is not a detector`);
  const [, height, width] = inputs[0]?.shape ?? [];
  const preparation = { ...PREPARATION, ...(width && { width }), ...(height && { height }), ...facts.preparation };
  if (!isComplete(preparation))
    throw new InferenceError('HKL_INFERENCE_MODEL', `export.json gives no input size for the model "${facts.model}"`);
  const postprocessing = { ...POSTPROCESS_DEFAULTS, ...facts.postprocessing };
  const model = await openModel(folder, facts, options);
  return {
    classNames,
    detect: async (source, given = {}) => {
      assertKnownOptions('detect', given, DETECT_OPTIONS);
      const { score = 0.4 } = given;
      const picture = readPixels(source);
      const { input, seen } = inputOf(picture, preparation);
      const outputs = await model.run(input, [1, preparation.height, preparation.width, 3]);
      const [boxes, scores] = [outputs.get('boxes'), outputs.get('scores')];
      if (boxes === undefined || scores === undefined)
        throw new InferenceError('HKL_INFERENCE_MODEL', 'the model gives no boxes and scores');
      const found = detectionsOf(scores.values, boxes.values, classNames.length, postprocessing);
      const { boxes: edges, classes } = toImagePixels(found, seen, picture);
      const detections = Array.from(found.scores, (own, row): Detection => ({
        class: classNames[classes[row] as number] as string,
        score: own,
        box: [...edges.subarray(row * 4, row * 4 + 4)] as unknown as Detection['box'],
      }));
      const { width, height } = picture;
      return { width, height, detections: detections.filter((each) => each.score >= score) };
    },
    dispose: () => model.dispose(),
  };
}

const isComplete = (preparation: Partial<Preparation>): preparation is Preparation =>
  Boolean(preparation.width && preparation.height);

/** Makes the network's input for a picture. @returns also `seen`, the size of the picture in it */
function inputOf(picture: Rgb, { width, height, fit, fill }: Preparation): { input: Float32Array; seen: Size } {
  const seen = fitSize(picture, { width, height }, fit);
  const { data } = resize(picture, seen.width, seen.height);
  const input = new Float32Array(width * height * 3).fill(fill);
  for (let y = 0; y < seen.height; y++)
    input.set(data.subarray(y * seen.width * 3, (y + 1) * seen.width * 3), y * width * 3);
  return { input, seen };
}
