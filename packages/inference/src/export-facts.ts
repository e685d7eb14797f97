import type { Fit, PostprocessOptions } from './detections.ts';
import { InferenceError } from './inference-error.ts';

/** An input or output of an exported model. */
export interface End {
  readonly name: string;
  readonly shape: readonly (number | null)[];
  readonly dtype: string;
  readonly range?: readonly [number, number];
}

/** How pictures are resized to the network's input. */
export interface Preparation {
  /** Size of the input in pixels. */
  readonly width: number;
  readonly height: number;
  readonly fit: Fit;
  /** Value, from 0 to 255, of the padding pixels at the right and bottom of the input. */
  readonly fill: number;
}

/** The parts of `export.json` that are needed to run a model. */
export interface ExportFacts {
  readonly format: string;
  readonly model: string;
  readonly files: readonly string[];
  readonly inputs: readonly End[];
  readonly outputs: readonly End[];
  readonly task?: string;
  readonly classNames?: readonly string[];
  readonly preparation?: Partial<Preparation>;
  readonly postprocessing?: PostprocessOptions;
  /** Whether a classifier outputs logits or probabilities. */
  readonly scores?: 'logits' | 'probabilities';
}

/** The URL of a model's folder, ending in a slash. @param url of the folder, of `export.json` or of the model's file */
export function folderOf(url: string | URL): URL {
  const base = typeof location === 'undefined' ? undefined : location.href;
  const whole = new URL(url, base);
  if (/\.(json|onnx)$/.test(whole.pathname)) return new URL('.', whole);
  if (!whole.pathname.endsWith('/')) whole.pathname += '/';
  return whole;
}

/** Fetches a file of a model. @throws InferenceError `HKL_INFERENCE_MODEL` when that fails */
export async function fetchFile(url: URL): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new InferenceError('HKL_INFERENCE_MODEL', `${url.href} cannot be fetched`, cause);
  }
  if (response.ok) return response;
  throw new InferenceError('HKL_INFERENCE_MODEL', `${url.href} answers with status ${response.status}`);
}

/** Reads `export.json`. @throws InferenceError `HKL_INFERENCE_MODEL` when it cannot be read or is of another kind */
export async function readFacts(folder: URL): Promise<ExportFacts> {
  const url = new URL('export.json', folder);
  let facts: Partial<ExportFacts> | undefined;
  try {
    facts = (await (await fetchFile(url)).json()) as Partial<ExportFacts>;
  } catch (cause) {
    if (cause instanceof InferenceError) throw cause;
    throw new InferenceError('HKL_INFERENCE_MODEL', `${url.href} is not JSON`, cause);
  }
  const { format, files, inputs, outputs } = facts;
  if (typeof format === 'string' && Array.isArray(files) && Array.isArray(inputs) && Array.isArray(outputs))
    return facts as ExportFacts;
  throw new InferenceError('HKL_INFERENCE_MODEL', `${url.href} was not written by hookline export`);
}
