import { type ExportFacts, fetchFile } from './export-facts.ts';
import { assertKnownOptions, InferenceError } from './inference-error.ts';

/** The part of TensorFlow.js (`import * as tf from '@tensorflow/tfjs'`) that is used. */
export interface TfRuntime {
  loadGraphModel(url: string): Promise<TfModel>;
  tensor(values: Float32Array | Int32Array, shape: number[], dtype: 'float32' | 'int32'): TfTensor;
}
interface TfTensor {
  readonly shape: number[];
  data(): Promise<Float32Array | Int32Array | Uint8Array>;
  dispose(): void;
}
interface TfModel {
  execute(inputs: Record<string, never>, outputs: string[]): TfTensor | TfTensor[];
  dispose(): void;
}

/** The part of ONNX Runtime (`import * as ort from 'onnxruntime-web'`) that is used. */
export interface OnnxRuntime {
  readonly InferenceSession: { create(model: Uint8Array, options?: object): Promise<OnnxSession> };
  readonly Tensor: new (type: never, data: never, dims: readonly number[]) => OnnxTensor;
}
interface OnnxTensor {
  readonly dims: readonly number[];
  readonly data: unknown;
}
interface OnnxSession {
  run(feeds: Record<string, never>): Promise<Readonly<Record<string, OnnxTensor>>>;
  release(): Promise<void>;
}

/** The runtime of the model: TensorFlow.js for the format `graph-model`, ONNX Runtime for `onnx`. */
export interface LoadOptions {
  /** TensorFlow.js. @default none */
  readonly tf?: TfRuntime;
  /** ONNX Runtime. @default none */
  readonly ort?: OnnxRuntime;
  /** Options for ONNX Runtime's session, such as `{ executionProviders: ['webgpu'] }`. @default none */
  readonly session?: object;
}

const LOAD_OPTIONS = { tf: true, ort: true, session: true } as const satisfies Record<keyof LoadOptions, true>;

/** An output of the model, copied to the host. */
export interface Output {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A loaded model with one input. */
export interface Runner {
  /** Runs the model. @returns its outputs by name */
  run(values: Float32Array, shape: number[]): Promise<ReadonlyMap<string, Output>>;
  /** Frees the model. */
  dispose(): Promise<void>;
}

/** Loads the model in a folder. @throws InferenceError `HKL_INFERENCE_RUNTIME`, `HKL_INFERENCE_MODEL`, `HKL_INFERENCE_OPTION` */
export async function openModel(folder: URL, facts: ExportFacts, options: LoadOptions): Promise<Runner> {
  assertKnownOptions('loadDetector or loadClassifier', options, LOAD_OPTIONS);
  const [input, ...others] = facts.inputs;
  if (input === undefined || others.length > 0)
    throw new InferenceError(
      'HKL_INFERENCE_MODEL',
      `it takes ${facts.inputs.length} inputs, and only a model with one, the picture, can be run`,
    );
  if (facts.format === 'graph-model') {
    if (options.tf !== undefined) return openGraphModel(folder, facts, options.tf);
    throw missing('TensorFlow.js', "{ tf } of import * as tf from '@tensorflow/tfjs'");
  }
  if (facts.format === 'onnx') {
    if (options.ort !== undefined) return openOnnx(folder, facts, options.ort, options.session);
    throw missing('ONNX Runtime', "{ ort } of import * as ort from 'onnxruntime-web'");
  }
  throw new InferenceError('HKL_INFERENCE_MODEL', `it is a ${facts.format}; export it as graph-model or onnx`);
}

const missing = (runtime: string, fix: string): InferenceError =>
  new InferenceError('HKL_INFERENCE_RUNTIME', `the model needs ${runtime}: give ${fix}`);

async function openGraphModel(folder: URL, { inputs, outputs }: ExportFacts, tf: TfRuntime): Promise<Runner> {
  const model = await tf.loadGraphModel(new URL('model.json', folder).href);
  const names = outputs.map(({ name }) => name);
  const { name, dtype } = inputs[0] as ExportFacts['inputs'][number];
  const run = async (values: Float32Array, shape: number[]): Promise<Map<string, Output>> => {
    const isInt = dtype === 'int32';
    const input = tf.tensor(isInt ? Int32Array.from(values) : values, shape, isInt ? 'int32' : 'float32');
    const found = [model.execute({ [name]: input as never }, names)].flat();
    try {
      const all = await Promise.all(found.map(async (tensor) => outputOf(tensor.shape, await tensor.data())));
      return new Map(names.map((each, place) => [each, all[place] as Output]));
    } finally {
      for (const tensor of [input, ...found]) tensor.dispose();
    }
  };
  return { run, dispose: async () => model.dispose() };
}

async function openOnnx(folder: URL, { inputs, files }: ExportFacts, ort: OnnxRuntime, options = {}): Promise<Runner> {
  const read = async (file: string): Promise<Uint8Array> =>
    new Uint8Array(await (await fetchFile(new URL(file, folder))).arrayBuffer());
  const [file = 'model.onnx', ...weights] = files;
  const externalData = await Promise.all(weights.map(async (path) => ({ path, data: await read(path) })));
  const session = await ort.InferenceSession.create(await read(file), {
    ...(externalData.length > 0 && { externalData }),
    ...options,
  });
  const { name, dtype } = inputs[0] as ExportFacts['inputs'][number];
  const run = async (values: Float32Array, shape: number[]): Promise<Map<string, Output>> => {
    const data = dtype === 'int32' ? Int32Array.from(values) : values;
    const input = new ort.Tensor(dtype as never, data as never, shape);
    const outputs = await session.run({ [name]: input as never });
    return new Map(
      Object.entries(outputs).map(([key, { dims, data: found }]) => [key, outputOf(dims, found as Float32Array)]),
    );
  };
  return { run, dispose: () => session.release() };
}

const outputOf = (shape: readonly number[], values: Float32Array | Int32Array | Uint8Array): Output => ({
  shape,
  values: values instanceof Float32Array ? values : Float32Array.from(values),
});
