import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canUseCuda, findNvidiaGpus, type DriverPlaces } from './nvidia-gpu.ts';

let root: string;
let places: DriverPlaces;
/** Without `nvidia-smi`, as in many containers. */
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  root = temporaryFolder();
  places = { proc: join(root, 'proc'), dev: join(root, 'dev'), libraries: [join(root, 'lib')] };
  for (const folder of ['bin', 'dev', 'lib']) mkdirSync(join(root, folder));
  env = { PATH: join(root, 'bin') };
});

function moduleWith(version: string, gpus: readonly string[]): void {
  mkdirSync(join(root, 'proc', 'gpus'), { recursive: true });
  writeFileSync(
    join(root, 'proc', 'version'),
    `NVRM version: NVIDIA UNIX x86_64 Kernel Module  ${version}  Tue Jan 1 2026\n`,
  );
  gpus.forEach((name, index) => {
    const folder = join(root, 'proc', 'gpus', `0000:0${String(index)}:00.0`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'information'), `Model: \t\t ${name}\nIRQ:   \t\t 30\n`);
  });
}

describe('findNvidiaGpus', () => {
  it('finds neither a driver nor a GPU where there is none', async () => {
    const found = await findNvidiaGpus(env, places);
    expect(found).toEqual({ names: [], cuda: undefined, driver: undefined });
    expect(canUseCuda(found, {})).toBe(false);
  });

  it('reads the kernel module where nvidia-smi is missing', async () => {
    moduleWith('550.54.14', ['NVIDIA L4', 'NVIDIA T4']);
    const found = await findNvidiaGpus(env, places);
    expect(found).toEqual({ names: ['NVIDIA L4', 'NVIDIA T4'], cuda: '12', driver: places.proc });
    expect([canUseCuda(found, {}), canUseCuda(found, { CUDA_VISIBLE_DEVICES: '-1' })]).toEqual([true, false]);
  });

  it('sees that a driver is too old for CUDA 12', async () => {
    moduleWith('470.256.02', ['NVIDIA T4']);
    const found = await findNvidiaGpus(env, places);
    expect(found.cuda).toBe('11');
    expect(canUseCuda(found, {})).toBe(false);
  });

  it('takes a driver without a GPU for no GPU: the module alone, or a library that an image was built with', async () => {
    writeFileSync(join(root, 'lib', 'libcuda.so.1'), '');
    const found = await findNvidiaGpus(env, places);
    expect(found).toEqual({ names: [], cuda: undefined, driver: join(root, 'lib', 'libcuda.so.1') });
    moduleWith('550.54.14', []);
    expect(await findNvidiaGpus(env, places)).toMatchObject({ names: [], driver: places.proc });
  });

  it('takes the library with a device for a GPU, also from LD_LIBRARY_PATH', async () => {
    const driver = join(root, 'elsewhere');
    mkdirSync(driver);
    writeFileSync(join(driver, 'libcuda.so.1'), '');
    writeFileSync(join(root, 'dev', 'dxg'), '');
    const found = await findNvidiaGpus({ ...env, LD_LIBRARY_PATH: driver }, places);
    expect(found).toEqual({ names: ['NVIDIA GPU'], cuda: undefined, driver: join(driver, 'libcuda.so.1') });
    expect(canUseCuda(found, {})).toBe(true);
  });
});
