import tf from '#tfjs';
import { spawnSync } from 'node:child_process';
import { findNativeRuntime } from '@hookline/native-runtime';
import { currentDevice, selectDevice } from './select-device.ts';
import type { DeviceRequest } from './device.ts';

const hasNative = findNativeRuntime().runtime !== undefined;
const hasGpu = spawnSync('nvidia-smi', ['-L']).status === 0;
const withoutOverride = { ...process.env, HOOKLINE_DEVICE: undefined };

describe('selectDevice', () => {
  it('loads wasm, makes it active and says so in one line', async () => {
    const lines: string[] = [];
    const device = await selectDevice('wasm', { log: (line) => lines.push(line) });
    expect(tf.getBackend()).toBe('wasm');
    expect(device).toMatchObject({ kind: 'wasm', backend: 'wasm', native: false });
    expect(lines).toEqual([device.describe()]);
    expect(lines[0]).toMatch(/^device: wasm, WebAssembly with SIMD on one core \(as asked for\)$/);
    expect(await tf.tensor1d([1, 2]).square().data()).toEqual(new Float32Array([1, 4]));
    expect(currentDevice()).toBe(device);
  });

  it('chooses native TensorFlow for auto when it is set up, else wasm with the reason', async () => {
    const device = await selectDevice('auto', { env: withoutOverride });
    if (hasNative) {
      expect(device).toMatchObject({ kind: hasGpu ? 'gpu' : 'cpu', backend: 'tensorflow', native: true });
      expect(device.describe()).toMatch(/^device: \w+, TensorFlow 2\.\d+\.\d+ native through @tensorflow\/tfjs-node/);
      if (!hasGpu) expect(device.reason).toMatch(/no NVIDIA GPU found|CUDA_VISIBLE_DEVICES hides/);
    } else {
      expect(device).toMatchObject({ kind: 'wasm', native: false });
      expect(device.reason).toMatch(/hookline setup/);
    }
    expect(tf.getBackend()).toBe(device.backend);
  });

  it('gives the same device again, and switches back and forth in one process', async () => {
    const first = await selectDevice('auto', { env: withoutOverride });
    expect(await selectDevice('auto', { env: withoutOverride })).toBe(first);
    await selectDevice('wasm');
    expect(tf.getBackend()).toBe('wasm');
    await selectDevice('auto', { env: withoutOverride });
    expect(tf.getBackend()).toBe(first.backend);
    await tf.setBackend('wasm');
    await selectDevice('auto', { env: withoutOverride });
    expect(tf.getBackend()).toBe(first.backend);
  });

  it('lets HOOKLINE_DEVICE replace auto, and says so', async () => {
    const device = await selectDevice('auto', { env: { ...process.env, HOOKLINE_DEVICE: 'wasm' } });
    expect(device).toMatchObject({ kind: 'wasm', reason: 'as HOOKLINE_DEVICE says' });
  });

  it('does not let HOOKLINE_DEVICE change an explicit request', async () => {
    const device = await selectDevice('wasm', { env: { ...process.env, HOOKLINE_DEVICE: 'gpu' } });
    expect(device).toMatchObject({ kind: 'wasm', reason: 'as asked for' });
  });

  it('answers an unknown name with the nearest one and says where the name came from', async () => {
    await expect(selectDevice('wsam' as DeviceRequest)).rejects.toThrow(
      /HKL_UNKNOWN_DEVICE.*option device: there is no device "wsam".*Did you mean "wasm"/,
    );
    await expect(selectDevice('auto', { env: { HOOKLINE_DEVICE: 'cuda' } })).rejects.toThrow(
      /HOOKLINE_DEVICE: there is no device "cuda".*Known: auto, cpu, gpu/,
    );
  });

  it('uses the GPU, or raises an error when TensorFlow would run on a CPU', async () => {
    if (hasGpu && hasNative) {
      expect(await selectDevice('gpu')).toMatchObject({ kind: 'gpu' });
      return;
    }
    await expect(selectDevice('gpu')).rejects.toThrow(/HKL_DEVICE_UNAVAILABLE.*device "gpu".*(CPU|hookline setup)/);
    // The names of the missing packages.
    if (hasNative)
      await expect(selectDevice('gpu')).rejects.toThrow(/libcuda\.so\.1|shows no GPU|CUDA_VISIBLE_DEVICES/);
  });

  it('names the packages to install when WebGPU is requested without them', async () => {
    await expect(selectDevice('webgpu')).rejects.toThrow(
      /device "webgpu": .*not installed.*npm install webgpu @tensorflow\/tfjs-backend-webgpu/,
    );
  });
});
