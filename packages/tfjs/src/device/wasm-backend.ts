import tf from '#tfjs';
import { registerWasmTrainingKernels } from '../wasm/register-training-kernels.ts';

export const WASM_BACKEND = 'wasm';

/** Loads the WebAssembly backend, makes it the active one and registers the missing training kernels. */
export async function loadWasmBackend(): Promise<{ readonly simd: boolean }> {
  await import('@tensorflow/tfjs-backend-wasm');
  registerWasmTrainingKernels();
  if (!(await tf.setBackend(WASM_BACKEND))) throw new Error('the WebAssembly backend did not start');
  return { simd: (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) as boolean };
}
