import type tf from '#tfjs';

/** The name under which @tensorflow/tfjs-node registers its backend. */
export const NATIVE_BACKEND = 'tensorflow';

/** TensorFlow's numeric codes of element types, as used in a GraphDef. */
export const DataType = Object.freeze({
  float32: 1,
  int32: 3,
  uint8: 4,
  string: 7,
  complex64: 8,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  float16: 19,
  resource: 20,
});

/** Values as the native binding accepts and returns them. */
export type NativeValues = Float32Array | Int32Array | Uint8Array | Uint8Array[] | string[];

/** A tensor that the binding created: its handle, shape and element type. */
export interface NativeTensor {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** An attribute of an op, in the form that the kernels of tfjs-node use. `type` is one of the binding's `TF_ATTR_*`. */
export interface NativeAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** The part of tfjs-node's native binding that is used here. */
export interface NativeBinding {
  createTensor(shape: number[], dtype: number, values: NativeValues): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): NativeValues;
  executeOp(name: string, attributes: NativeAttribute[], inputs: number[], outputs: number): NativeTensor[];
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(id: number, inputs: number[], inputNames: string, outputNames: string): NativeTensor[];
  getNumOfSavedModels(): number;
  getNumOfTensors(): number;
  /** True on the wrapper that records ops, with which no value can be read. */
  readonly isRecording?: boolean;
  /** Version of libtensorflow, such as `2.21.0`. */
  readonly TF_Version: string;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
}

/** What tfjs-node stores for one tensor. While `values` is set, the tensor has not been passed to TensorFlow yet. */
export interface NativeTensorInfo {
  shape: number[];
  dtype: number;
  id: number;
  values: NativeValues | null;
  refCount: number;
}

/** The part of tfjs-node's backend that is used here. */
export interface NativeBackend extends tf.KernelBackend {
  binding: NativeBinding;
  readonly isUsingGpuDevice: boolean;
  /** Takes ownership of a tensor's values, which are passed to TensorFlow when an op first uses them. */
  move(dataId: object, values: NativeValues, shape: number[], dtype: tf.DataType, refCount: number): void;
  /** The handles of an op's inputs. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(metadata: NativeTensor): tf.Tensor;
  executeSingleOutput(op: string, attributes: NativeAttribute[], inputs: tf.TensorInfo[]): tf.Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: NativeAttribute[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
  readonly tensorMap: {
    get(dataId: object): NativeTensorInfo;
    set(dataId: object, info: NativeTensorInfo): void;
    has(dataId: object): boolean;
  };
}

/** Returns the backend as tfjs-node's, or undefined when another backend (wasm, webgpu, cpu) is in use. */
export function asNativeBackend(backend: tf.KernelBackend): NativeBackend | undefined {
  const binding = (backend as Partial<NativeBackend>).binding;
  return typeof binding?.runSavedModel === 'function' && typeof binding.executeOp === 'function'
    ? (backend as NativeBackend)
    : undefined;
}

/** Returns the handle of a tensor, after passing it to TensorFlow if that has not happened yet. */
export function handleOf(backend: NativeBackend, tensor: { readonly dataId: object }): number {
  const info = backend.tensorMap.get(tensor.dataId);
  if (info.values !== null) {
    info.id = backend.binding.createTensor(info.shape, info.dtype, info.values);
    info.values = null;
  }
  return info.id;
}

/** Makes a second handle to the same tensor without copying. */
export function aliasOf(binding: NativeBinding, handle: number): NativeTensor {
  const [alias] = binding.executeOp('Identity', [], [handle], 1);
  if (alias === undefined) throw new Error('the op Identity returned nothing');
  return alias;
}

/** The attribute for an op's element type, one of {@link DataType}. */
export const typeOf = ({ binding }: NativeBackend, name: string, value: number): NativeAttribute => ({
  name,
  type: binding.TF_ATTR_TYPE,
  value,
});

/** The attribute that sets an op's element type to float32. */
export const floatType = (backend: NativeBackend, name = 'T'): NativeAttribute =>
  typeOf(backend, name, DataType.float32);
