import { folderOf, readFacts } from './export-facts.ts';
import { InferenceError } from './inference-error.ts';
import { type PictureSource, readPixels, type Rgb } from './pixels.ts';
import { resize } from './resize.ts';
import { type LoadOptions, openModel } from './runtimes.ts';

/** The score of one class. */
export interface ClassScore {
  /** Name of the class, or its index if `export.json` has no names. */
  readonly class: string;
  /** The probability of the class (softmax) if `export.json` says that the model outputs logits, else the output of the model. */
  readonly score: number;
}

/** A classifier that is ready to run. */
export interface LoadedClassifier {
  /** Names of the classes by their index; undefined if `export.json` has none. */
  readonly classNames: readonly string[] | undefined;
  /**
   * Scores a picture of any size.
   *
   * @returns all classes, the highest score first
   * @throws InferenceError `HKL_INFERENCE_PICTURE` for a picture without pixels, `HKL_INFERENCE_MODEL` for a model without output
   */
  classify(picture: PictureSource): Promise<readonly ClassScore[]>;
  /** Frees the model. */
  dispose(): Promise<void>;
}

/** Weights of red, green and blue in luma (ITU-R BT.601), the brightness for models with one channel. */
const BRIGHTNESS = [0.299, 0.587, 0.114] as const;

/**
 * Loads a classifier of pictures that `hookline export` has written as graph-model or onnx. The model has one input of shape
 * [batch, height, width, 1 or 3] and one output of shape [batch, classes]. Pictures are stretched to the size of the input; a model
 * with one channel gets their brightness. Values are from 0 to 255, or from 0 or -1 to 1 if the `range` of the input in
 * `export.json` says so.
 *
 * @param url URL of the folder with `export.json`, of that file, or of the model's file
 * @param options the runtime: `{ tf }` for TensorFlow.js, or `{ ort }` for ONNX Runtime
 * @throws InferenceError `HKL_INFERENCE_MODEL`, `HKL_INFERENCE_RUNTIME`, `HKL_INFERENCE_OPTION`
 */
export async function loadClassifier(url: string | URL, options: LoadOptions): Promise<LoadedClassifier> {
  const folder = folderOf(url);
  const facts = await readFacts(folder);
  const { classNames, inputs, outputs, scores } = facts;
  const [, height, width, channels] = inputs[0]?.shape ?? [];
  if (!height || !width || (channels !== 1 && channels !== 3) || outputs.length !== 1)
    throw new InferenceError('HKL_INFERENCE_MODEL', `the model "${facts.model}" is not a classifier of pictures`);
  const [low = 0, high = 255] = inputs[0]?.range ?? [];
  const isSmall = low >= -1 && high <= 1;
  const scale = (value: number): number => (isSmall ? (low < 0 ? value / 127.5 - 1 : value / 255) : value);
  const model = await openModel(folder, facts, options);
  return {
    classNames,
    classify: async (picture) => {
      const input = valuesOf(resize(readPixels(picture), width, height), channels).map(scale);
      const [output] = (await model.run(input, [1, height, width, channels])).values();
      if (output === undefined) throw new InferenceError('HKL_INFERENCE_MODEL', 'the model has no output');
      const values = [...output.values];
      const all = scores === 'logits' ? softmax(values) : values;
      return all
        .map((score, place): ClassScore => ({ class: classNames?.[place] ?? String(place), score }))
        .sort((a, b) => b.score - a.score);
    },
    dispose: () => model.dispose(),
  };
}

function valuesOf({ data, width, height }: Rgb, channels: 1 | 3): Float32Array {
  if (channels === 3) return Float32Array.from(data);
  return Float32Array.from({ length: width * height }, (_, place) =>
    Math.round(BRIGHTNESS.reduce((sum, share, channel) => sum + share * (data[place * 3 + channel] as number), 0)),
  );
}

function softmax(values: readonly number[]): number[] {
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
