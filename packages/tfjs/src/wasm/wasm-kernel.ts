import tf from '#tfjs';

/** The arguments of a kernel that is written with tfjs operations. */
export interface KernelCall<Attributes> {
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly attrs: Attributes;
  readonly backend: WasmMemory;
  /** Runs the backend's own kernel on this call. */
  readonly own: () => tf.Tensor;
}

/** The part of the backend that kernels use. */
export interface WasmMemory {
  /** The values of a tensor in the backend's memory; the view is valid until the next allocation. */
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array | Uint8Array;
}

/**
 * A kernel for the wasm backend that is composed of existing kernels. It returns `undefined` to leave a call to the
 * backend's own kernel.
 */
export interface ComposedKernel<Attributes = never> {
  readonly name: string;
  run(call: KernelCall<Attributes>): tf.Tensor | undefined;
}

const WASM = 'wasm';
/** Marks our kernels, even across a second copy of this module. */
const MARK = Symbol.for('hookline.composed-kernel');

type Marked = tf.KernelConfig & { readonly [MARK]?: boolean };

/** Registers composed kernels in front of the backend's own. A second call does nothing. */
export function registerComposedKernels(kernels: readonly ComposedKernel[]): void {
  for (const kernel of kernels) {
    const own = tf.getKernel(kernel.name, WASM) as Marked | undefined | null;
    if (own?.[MARK] === true) continue;
    // Unregister first, because tfjs warns when a kernel replaces another one.
    if (own) tf.unregisterKernel(kernel.name, WASM);
    const config: Marked = {
      kernelName: kernel.name,
      backendName: WASM,
      kernelFunc: (params) => runComposed(kernel, own ?? undefined, params),
      // The backend still sets up its own kernel's WebAssembly function when it starts.
      ...(own?.setupFunc === undefined ? {} : { setupFunc: own.setupFunc }),
      ...(own?.disposeFunc === undefined ? {} : { disposeFunc: own.disposeFunc }),
      [MARK]: true,
    };
    tf.registerKernel(config);
  }
}

type KernelParams = Parameters<tf.KernelFunc>[0];

function runComposed(kernel: ComposedKernel, own: tf.KernelConfig | undefined, params: KernelParams) {
  const runOwn = () => {
    if (own === undefined) throw new Error(`the wasm backend has no kernel ${kernel.name} for this call`);
    return own.kernelFunc(params);
  };
  const call = {
    inputs: params.inputs as Record<string, tf.Tensor>,
    attrs: params.attrs as never,
    backend: params.backend as WasmMemory,
    own: () => tf.engine().makeTensorFromTensorInfo(runOwn() as tf.TensorInfo),
  };
  let result: tf.Tensor | undefined;
  const kept = tf.tidy(() => {
    result = kernel.run(call);
    return result ?? [];
  });
  if (result !== undefined) return kept as tf.Tensor;
  return runOwn();
}
