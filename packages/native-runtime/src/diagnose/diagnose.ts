import { cacheFolder } from '@hookline/core';
import { inspectMachine, type Machine } from '../machine/machine.ts';
import { findCachedBindings, type CachedBinding } from '../find/native-cache.ts';
import { findNativePackages, resolvePackage, type LookupOptions, type NativePackage } from '../find/native-package.ts';
import { findNativeRuntime, type NativeRuntime } from '../find/native-runtime.ts';
import { verifyBinding, type Verification } from '../binding/verify-binding.ts';
import { explainNoGpu, inspectCuda, type CudaState } from '../cuda/why-no-gpu.ts';

/** What this machine will train on, why, and what would be faster. */
export interface Diagnosis {
  readonly machine: Machine;
  /** What `device: 'auto'` comes to; `override` says that `HOOKLINE_DEVICE` decides. */
  readonly device: {
    readonly kind: string;
    readonly engine: string;
    readonly reason: string;
    readonly override: boolean;
  };
  readonly native: {
    readonly packages: readonly NativePackage[];
    readonly runtime: NativeRuntime | undefined;
    /** What a train step in a child process has shown. */
    readonly verification: Verification | undefined;
    /** Why it does not run, or an empty string. */
    readonly problem: string;
  };
  /** What TensorFlow finds when it opens the libraries of CUDA; `undefined` where there is no native runtime. */
  readonly cuda: CudaState | undefined;
  readonly cache: { readonly folder: string; readonly bindings: readonly CachedBinding[] };
  /** Packages for WebGPU that are not installed; empty when it can be tried. */
  readonly missingForWebGpu: readonly string[];
  /** What to do to get something faster, best first; empty when this is the best. */
  readonly advice: readonly string[];
}

const WEBGPU_PACKAGES = ['webgpu', '@tensorflow/tfjs-backend-webgpu'];

/** Looks at everything that decides what training runs on. Changes nothing, never throws, takes a few seconds. */
export async function diagnose(options: LookupOptions = {}): Promise<Diagnosis> {
  const env = options.env ?? process.env;
  const machine = await inspectMachine(env);
  const packages = findNativePackages(options);
  const { runtime, problem: absence } = findNativeRuntime(options);
  const verified = runtime && (await verifyBinding(runtime.package.folder, runtime.bindingPath, env));
  const native = {
    packages,
    runtime,
    verification: verified?.value,
    problem: verified?.value ? '' : (verified?.detail ?? absence),
  };
  const cuda = runtime && (await inspectCuda(runtime, env));
  const missingForWebGpu = WEBGPU_PACKAGES.filter((name) =>
    [import.meta.dirname, process.cwd()].every((base) => resolvePackage(name, base) === undefined),
  );
  const facts = { machine, native, cuda, missingForWebGpu, env };
  return {
    machine,
    device: decide(facts),
    native,
    cuda,
    cache: { folder: cacheFolder(env), bindings: packages.flatMap((entry) => findCachedBindings(entry, env)) },
    missingForWebGpu,
    advice: advise(facts),
  };
}

interface Facts extends Pick<Diagnosis, 'machine' | 'native' | 'cuda' | 'missingForWebGpu'> {
  readonly env: NodeJS.ProcessEnv;
}

/** The same order as `selectDevice`, from facts instead of by loading. */
function decide({ machine, native, cuda, missingForWebGpu, env }: Facts): Diagnosis['device'] {
  const { verification, runtime, problem } = native;
  const wanted = env['HOOKLINE_DEVICE'] ?? '';
  if (wanted !== '' && wanted !== 'auto') {
    return { kind: wanted, engine: 'whatever it needs', reason: 'as HOOKLINE_DEVICE says', override: true };
  }
  if (verification !== undefined) {
    const engine = `TensorFlow ${verification.tensorflow} native through ${runtime?.package.name ?? ''}`;
    if (verification.usesGpu) return { kind: 'gpu', engine, reason: 'the fastest device here', override: false };
    return {
      kind: 'cpu',
      engine,
      reason: explainNoGpu(machine.gpus, machine.gpus.names.length > 0 ? cuda : undefined, env).reason,
      override: false,
    };
  }
  if (missingForWebGpu.length === 0) {
    return { kind: 'webgpu', engine: 'WebGPU, if it finds an adapter, else wasm', reason: problem, override: false };
  }
  return { kind: 'wasm', engine: 'WebAssembly on one core', reason: problem, override: false };
}

function advise({ machine, native, cuda, env }: Facts): string[] {
  if (native.verification === undefined) return adviseNative(machine, native);
  if (native.verification.usesGpu || machine.gpus.names.length === 0) return [];
  return [`to use the GPU: ${explainNoGpu(machine.gpus, cuda, env).fix}`];
}

function adviseNative(machine: Machine, { runtime }: Diagnosis['native']): string[] {
  const advice: string[] = [];
  if (machine.compiler === undefined && machine.platform.startsWith('linux-')) {
    advice.push('install a C++ compiler (g++ or clang++), so that setup can build the addon');
  }
  if (machine.python === undefined || !machine.pip) {
    advice.push('install Python with pip, or give setup a TensorFlow wheel: `npx hookline setup --from FILE`');
  }
  return [
    ...advice,
    `run \`npx hookline setup${runtime === undefined ? '' : ' --force'}\`: native TensorFlow is several times faster`,
  ];
}
