import { folderOf, readFacts } from './export-facts.ts';
import { InferenceError } from './inference-error.ts';
import { type PictureSource, readPixels, type Rgb } from './pixels.ts';
import { resize } from './resize.ts';
import { type LoadOptions, openModel } from './runtimes.ts';

/** How much a picture looks like one class. */
export interface ClassScore {
  /** The name of the class, or its number where there are no names. */
  readonly class: string;
  /** A probability; where `export.json` does not say whether the model gives logits, what the model gives. */
  readonly score: number;
}

/** A classifier that has been loaded. */
export interface LoadedClassifier {
  /** Names of the classes, as far as they are known. */
  readonly classNames: readonly string[] | undefined;
  /** All classes, the best first. @throws InferenceError `HKL_INFERENCE_PICTURE` */
  classify(picture: PictureSource): Promise<readonly ClassScore[]>;
  /** Frees the model. */
  dispose(): Promise<void>;
}

/** Shares of red, green and blue in brightness. */
const BRIGHTNESS = [0.299, 0.587, 0.114] as const;

/**
 * Loads a classifier of pictures that `hookline export` has written as graph-model or onnx: one input of shape
 * [batch, height, width, 1 or 3] and one output of shape [batch, classes]. Pictures are stretched to its input; with one channel it
 * sees their brightness. Values go from 0 to 255, or, where the input's `range` is within -1 to 1, through that range.
 *
 * @param url of the folder with `export.json`
 * @param options what runs it: `{ tf }` with TensorFlow.js, or `{ ort }` with ONNX Runtime
 * @throws InferenceError `HKL_INFERENCE_MODEL`, `HKL_INFERENCE_RUNTIME`
 */
export async function loadClassifier(url: string | URL, options: LoadOptions): Promise<LoadedClassifier> {
  const folder = folderOf(url);
  const facts = await readFacts(folder);
  const { classNames, inputs, outputs, scores } = facts;
  const [, height, width, channels] = inputs[0]?.shape ?? [];
  if (!height || !width || (channels !== 1 && channels !== 3) || outputs.length !== 1)
    throw new InferenceError('HKL_INFERENCE_MODEL', `the model "${facts.model}" is no classifier of pictures`);
  const [low = 0, high = 255] = inputs[0]?.range ?? [];
  const isSmall = low >= -1 && high <= 1;
  const scale = (value: number): number => (isSmall ? (low < 0 ? value / 127.5 - 1 : value / 255) : value);
  const model = await openModel(folder, facts, options);
  return {
    classNames,
    classify: async (picture) => {
      const input = valuesOf(resize(readPixels(picture), width, height), channels).map(scale);
      const [output] = (await model.run(input, [1, height, width, channels])).values();
      const values = [...(output?.values ?? [])];
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
