import { realpathSync } from 'node:fs';
import { CUDA_DRIVER_LIBRARY, cudaEntryOf, inspectCudaLibraries, type CudaLibraries } from './cuda-libraries.ts';
import type { NativeRuntime } from '../find/native-runtime.ts';
import { canUseCuda, findNvidiaGpus, hidesGpus, type NvidiaGpus } from '../machine/nvidia-gpu.ts';

/** Why TensorFlow runs on the CPU, and what to do about it. */
export interface NoGpu {
  /** Everything that is in the way, as a phrase. */
  readonly reason: string;
  /** What to do, as an imperative without a full stop; empty where nothing helps. */
  readonly fix: string;
}

/** How TensorFlow was built, and what it finds of CUDA. */
export interface CudaState {
  readonly libraries: CudaLibraries | undefined;
  /** Why there are no libraries to show; empty where there are, and for an addon that setup has not built. */
  readonly problem: string;
}

/** Looks at the CUDA libraries of a runtime, by opening each; takes seconds where TensorFlow was built for CUDA. */
export async function inspectCuda(runtime: NativeRuntime, env: NodeJS.ProcessEnv): Promise<CudaState> {
  const entry = cudaEntryOf(runtime.bindingPath);
  if (entry === undefined) {
    const isOurs = realpathSync(runtime.bindingPath) !== runtime.package.bindingPath;
    return { libraries: undefined, problem: isOurs ? 'this TensorFlow was built without CUDA' : '' };
  }
  const found = await inspectCudaLibraries(entry, env);
  return { libraries: found.value, problem: found.value === undefined ? found.detail : '' };
}

/**
 * Says why TensorFlow runs on the CPU: a driver, libraries, or the build that is missing, each by name.
 *
 * @param cuda the state of the runtime; `undefined` where only the GPU itself matters
 */
export function explainNoGpu(gpus: NvidiaGpus, cuda: CudaState | undefined, env: NodeJS.ProcessEnv): NoGpu {
  if (hidesGpus(env)) return { reason: 'CUDA_VISIBLE_DEVICES hides every GPU', fix: 'unset CUDA_VISIBLE_DEVICES' };
  const missing = cuda === undefined ? [] : missingParts(cuda);
  const setup = `run \`npx hookline setup${missing.length > 0 ? ' --cuda' : ''}\``;
  const [gpu] = gpus.names;
  if (gpu === undefined) {
    const isTold = cuda !== undefined && gpus.driver === undefined;
    const reason = `no NVIDIA GPU found${isTold ? `: there is no driver (${CUDA_DRIVER_LIBRARY})` : ''}`;
    const install = gpus.driver === undefined ? `install NVIDIA's driver` : `see why ${gpus.driver} shows no GPU`;
    return { reason: [reason, ...missing].join('; '), fix: missing.length > 0 ? `${install}, then ${setup}` : install };
  }
  if (!canUseCuda(gpus, env)) {
    const release = `the NVIDIA driver supports CUDA ${gpus.cuda ?? 'of an unknown version'}`;
    return { reason: [`${gpu} found, but ${release}`, ...missing].join('; '), fix: 'install a driver that supports CUDA 12, then run `npx hookline setup`' }; // prettier-ignore
  }
  if (missing.length > 0) return { reason: `${gpu} found, but ${missing.join('; ')}`, fix: setup };
  const note = cuda?.libraries === undefined ? '' : ' though every library of CUDA opens';
  return {
    reason: `${gpu} found, but this TensorFlow does not use it${note}`,
    fix: 'run with TF_CPP_MIN_LOG_LEVEL=0 to see what TensorFlow says about it',
  };
}

function missingParts({ libraries, problem }: CudaState): string[] {
  if (problem !== '') return [problem];
  return libraries === undefined || libraries.missing.length === 0
    ? []
    : [`TensorFlow cannot open ${libraries.missing.join(', ')}`];
}

/** The same for this process's machine, from nothing but the runtime. */
export async function findOutWhyNoGpu(
  runtime: NativeRuntime | undefined,
  env: NodeJS.ProcessEnv,
  thorough: boolean,
): Promise<NoGpu> {
  const gpus = await findNvidiaGpus(env);
  // Opening the libraries takes seconds: where there is no GPU to use them, only who asks for one wants to know.
  const look = runtime !== undefined && (thorough || gpus.names.length > 0);
  return explainNoGpu(gpus, look ? await inspectCuda(runtime, env) : undefined, env);
}
