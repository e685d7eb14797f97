import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import tf from '#tfjs';
import { describeCause } from '@hookline/core';

export const WEBGPU_BACKEND = 'webgpu';

/** The two packages to install for training on a GPU of any vendor. */
export const WEBGPU_PACKAGES = ['webgpu', '@tensorflow/tfjs-backend-webgpu'] as const;

export type WebGpuAttempt =
  | { readonly adapter: string; /** Computes on the CPU, slower than wasm. */ readonly software: boolean }
  | { readonly adapter: undefined; readonly problem: string; readonly fix: string };

const DRIVER = 'Install a driver that brings Vulkan (on Linux) for your GPU, or ask for device "auto"';

interface Dawn {
  readonly globals: Record<string, unknown>;
  create(options: string[]): { requestAdapter(): Promise<{ info?: Record<string, string> } | null> };
}

/** Loads WebGPU (Dawn) and its tfjs backend if the user has installed them. It never throws. */
export async function loadWebGpuBackend(): Promise<WebGpuAttempt> {
  const [dawnPath, backendPath] = WEBGPU_PACKAGES.map(locate);
  if (dawnPath === undefined || backendPath === undefined) {
    const fix = `Run \`npm install ${WEBGPU_PACKAGES.join(' ')}\``;
    return { adapter: undefined, problem: `${WEBGPU_PACKAGES.join(' and ')} are not installed`, fix };
  }
  try {
    const gpu = await provideWebGpu((await import(pathToFileURL(dawnPath).href)) as Dawn);
    const adapter = await gpu.requestAdapter();
    if (adapter === null) return { adapter: undefined, problem: 'WebGPU found no adapter', fix: DRIVER };
    if (!(WEBGPU_BACKEND in tf.engine().registryFactory)) await import(pathToFileURL(backendPath).href);
    if (!(await tf.setBackend(WEBGPU_BACKEND))) {
      return { adapter: undefined, problem: 'the WebGPU backend did not start', fix: DRIVER };
    }
    const { description, device, vendor } = adapter.info ?? {};
    const name = description || device || vendor || 'unnamed adapter';
    return { adapter: name, software: /swiftshader|llvmpipe|lavapipe/i.test(`${name} ${vendor ?? ''}`) };
  } catch (cause) {
    return { adapter: undefined, problem: `WebGPU could not be loaded: ${describeCause(cause)}`, fix: DRIVER };
  }
}

/** Defines `navigator.gpu` and the GPU constants where the backend expects them, once. */
async function provideWebGpu(dawn: Dawn): Promise<ReturnType<Dawn['create']>> {
  const scope = globalThis as unknown as { navigator?: { gpu?: ReturnType<Dawn['create']> } };
  if (scope.navigator?.gpu !== undefined) return scope.navigator.gpu;
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create([]);
  if (scope.navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true, writable: true });
  }
  Object.defineProperty(scope.navigator, 'gpu', { value: gpu, configurable: true });
  return Promise.resolve(gpu);
}

function locate(name: string): string | undefined {
  for (const base of [import.meta.dirname, process.cwd()]) {
    try {
      return createRequire(join(base, 'noop.js')).resolve(name);
    } catch {
      // The package cannot be resolved from this folder.
    }
  }
  return undefined;
}
