import type { CudaLibraries } from './cuda-libraries.ts';
import { explainNoGpu, type CudaState } from './why-no-gpu.ts';

const GPU = { names: ['NVIDIA L4'], cuda: '12.4', driver: 'nvidia-smi' };
const NONE = { names: [], cuda: undefined, driver: undefined };
const driver = { name: 'libcuda.so.1', use: 'TensorFlow', needed: true, path: '/usr/lib/libcuda.so.1', problem: '' };

function state(missing: readonly string[]): CudaState {
  const libraries: CudaLibraries = { driver, libraries: [], missing };
  return { libraries, problem: '' };
}
const WITHOUT: CudaState = { libraries: undefined, problem: 'this TensorFlow was built without CUDA' };

describe('explainNoGpu', () => {
  it('names the driver that is missing, and what else is', () => {
    expect(explainNoGpu(NONE, state([]), {})).toEqual({
      reason: 'no NVIDIA GPU found: there is no driver (libcuda.so.1)',
      fix: "install NVIDIA's driver",
    });
    // In the line that every training prints.
    expect(explainNoGpu(NONE, undefined, {}).reason).toBe('no NVIDIA GPU found');
    expect(explainNoGpu(NONE, WITHOUT, {})).toEqual({
      reason: 'no NVIDIA GPU found: there is no driver (libcuda.so.1); this TensorFlow was built without CUDA',
      fix: "install NVIDIA's driver, then run `npx hookline setup --cuda`",
    });
  });

  it('names each library that cannot be opened', () => {
    const missing = ['libcudnn.so.9: cannot open shared object file', 'libcufft.so.11: file too short'];
    expect(explainNoGpu(GPU, state(missing), {})).toEqual({
      reason: `NVIDIA L4 found, but TensorFlow cannot open ${missing.join(', ')}`,
      fix: 'run `npx hookline setup --cuda`',
    });
    expect(explainNoGpu(GPU, WITHOUT, {}).reason).toBe('NVIDIA L4 found, but this TensorFlow was built without CUDA');
  });

  it('tells an old driver, a hidden GPU, and a GPU that is left alone for another reason', () => {
    expect(explainNoGpu({ ...GPU, cuda: '11.4' }, state([]), {})).toEqual({
      reason: 'NVIDIA L4 found, but the NVIDIA driver supports CUDA 11.4',
      fix: 'install a driver that supports CUDA 12, then run `npx hookline setup`',
    });
    expect(explainNoGpu(GPU, state([]), { CUDA_VISIBLE_DEVICES: '' }).fix).toBe('unset CUDA_VISIBLE_DEVICES');
    expect(explainNoGpu(GPU, state([]), {})).toMatchObject({
      reason: 'NVIDIA L4 found, but this TensorFlow does not use it though every library of CUDA opens',
    });
  });
});
