import tf from '#tfjs';
import { didYouMean, HooklineError } from '@hookline/core';
import { findNativeRuntime, findOutWhyNoGpu } from '@hookline/native-runtime';
import { createDevice, DEVICE_REQUESTS, type Device, type DeviceKind, type DeviceRequest } from './device.ts';
import { loadNativeBackend, type LoadedNative } from './load-native.ts';
import { NATIVE_BACKEND } from './native-backend.ts';
import { loadWasmBackend, WASM_BACKEND } from './wasm-backend.ts';
import { loadWebGpuBackend, WEBGPU_BACKEND } from './webgpu-backend.ts';

export interface SelectDeviceOptions {
  /** Receives the one line that says what was chosen and why. */
  readonly log?: ((line: string) => void) | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

const SETUP = 'Run `npx hookline setup`, and `npx hookline doctor` for the details';

let chosen: { readonly key: string; readonly device: Device } | undefined;

/**
 * Chooses the device of a training, loads its backend and makes it the active tfjs backend.
 *
 * `auto` tries, in this order: native TensorFlow on a CUDA GPU, the same library on the CPU, WebGPU (when its packages
 * are installed), WebAssembly. The environment variable `HOOKLINE_DEVICE` replaces `auto` but never an explicit
 * request. tfjs's own `cpu` backend is never chosen, because it is hundreds of times slower. Requesting the same device
 * again is cheap, and a process may switch from one device to another.
 *
 * @throws HooklineError `HKL_UNKNOWN_DEVICE` for an unknown name, `HKL_DEVICE_UNAVAILABLE` when an explicit request
 * cannot be met: `gpu` never falls back to a CPU
 */
export async function selectDevice(
  request: DeviceRequest = 'auto',
  options: SelectDeviceOptions = {},
): Promise<Device> {
  const { log, env = process.env } = options;
  const override = request === 'auto' ? env['HOOKLINE_DEVICE'] || undefined : undefined;
  const wanted = checkDeviceRequest(override ?? request, override === undefined ? 'option device' : 'HOOKLINE_DEVICE');
  const why = override === undefined ? 'as asked for' : `as HOOKLINE_DEVICE says`;
  const key = `${wanted} ${why}`;
  if (chosen?.key === key) await tf.setBackend(chosen.device.backend);
  else chosen = { key, device: wanted === 'auto' ? await chooseBest(env) : await SELECTORS[wanted](why, env) };
  log?.(chosen.device.describe());
  return chosen.device;
}

/** The device that was last chosen in this process. */
export function currentDevice(): Device | undefined {
  return chosen?.device;
}

/**
 * Whether steps would run on tfjs's own JavaScript backend, which tfjs uses when no backend has been chosen. It is
 * hundreds of times slower than the others.
 */
export function usesSlowBackend(): boolean {
  const { backendName } = tf.engine();
  // The name is undefined before the first tensor.
  return !backendName || backendName === 'cpu';
}

const SELECTORS: Record<DeviceKind, (why: string, env: NodeJS.ProcessEnv) => Promise<Device>> = {
  async gpu(why, env) {
    const native = await loadNativeBackend();
    if (native.backend === undefined) throw unavailable('gpu', native.problem, SETUP);
    if (!native.backend.isUsingGpuDevice) {
      const { reason, fix } = await findOutWhyNoGpu(findNativeRuntime().runtime, env, true);
      const what = `${fix.charAt(0).toUpperCase()}${fix.slice(1)}, or ask for device "cpu" or "auto"; \`npx hookline doctor\` shows the details`;
      throw unavailable('gpu', `TensorFlow would run on the CPU: ${reason}`, what);
    }
    return nativeDevice(native, why);
  },
  async cpu(why) {
    const native = await loadNativeBackend(true);
    if (native.backend === undefined)
      throw unavailable('cpu', native.problem, `${SETUP}; device "wasm" needs no native code`);
    if (native.backend.isUsingGpuDevice) {
      throw unavailable(
        'cpu',
        'this process already runs TensorFlow on a GPU',
        'Ask for the CPU first, or in a new process',
      );
    }
    return nativeDevice(native, why);
  },
  async webgpu(why) {
    const attempt = await loadWebGpuBackend();
    if (attempt.adapter === undefined) throw unavailable('webgpu', attempt.problem, attempt.fix);
    return webGpuDevice(attempt.adapter, why);
  },
  async wasm(why) {
    return wasmDevice(why);
  },
};

async function chooseBest(env: NodeJS.ProcessEnv): Promise<Device> {
  const native = await loadNativeBackend();
  if (native.backend !== undefined) {
    if (native.backend.isUsingGpuDevice) return nativeDevice(native, 'the fastest device here');
    return nativeDevice(native, (await findOutWhyNoGpu(findNativeRuntime().runtime, env, false)).reason);
  }
  const webGpu = await loadWebGpuBackend();
  if (webGpu.adapter !== undefined && !webGpu.software) return webGpuDevice(webGpu.adapter, native.problem);
  return wasmDevice(`${native.problem}; \`npx hookline setup\` can make it several times faster`);
}

function nativeDevice({ backend, packageName }: LoadedNative, reason: string): Device {
  const engine = `TensorFlow ${backend.binding.TF_Version} native through ${packageName}`;
  return createDevice({
    kind: backend.isUsingGpuDevice ? 'gpu' : 'cpu',
    backend: NATIVE_BACKEND,
    engine,
    reason,
    native: true,
  });
}

function webGpuDevice(adapter: string, reason: string): Device {
  return createDevice({
    kind: 'webgpu',
    backend: WEBGPU_BACKEND,
    engine: `WebGPU on ${adapter}`,
    reason,
    native: false,
  });
}

async function wasmDevice(reason: string): Promise<Device> {
  const { simd } = await loadWasmBackend();
  const engine = `WebAssembly ${simd ? 'with' : 'without'} SIMD on one core`;
  return createDevice({ kind: 'wasm', backend: WASM_BACKEND, engine, reason, native: false });
}

function unavailable(kind: DeviceKind, what: string, fix: string): HooklineError {
  return new HooklineError('HKL_DEVICE_UNAVAILABLE', what, { who: `device "${kind}"`, fix });
}

/**
 * Checks the name of a device.
 *
 * @param who the option or variable that gives it
 * @throws HooklineError `HKL_UNKNOWN_DEVICE`
 */
export function checkDeviceRequest(name: string, who: string): DeviceRequest {
  const known = DEVICE_REQUESTS.find((request) => request === name);
  if (known !== undefined) return known;
  throw new HooklineError('HKL_UNKNOWN_DEVICE', `there is no device "${name}"`, {
    who,
    fix: didYouMean(name, DEVICE_REQUESTS),
  });
}
