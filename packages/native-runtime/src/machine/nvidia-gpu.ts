import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runCommand } from './run-command.ts';

export interface NvidiaGpus {
  /** Names as the driver gives them; empty when there is none or no driver. */
  readonly names: readonly string[];
  /** Newest CUDA version that the driver supports, as `12.4`; `undefined` when unknown. */
  readonly cuda: string | undefined;
  /** What shows that there is a driver, in words; `undefined` when there is none. */
  readonly driver: string | undefined;
}

/** Where a driver shows itself on Linux. */
export interface DriverPlaces {
  /** Written by the kernel module. */
  readonly proc: string;
  /** Folder of the devices. */
  readonly dev: string;
  /** Folders in which its library is looked for besides those of `LD_LIBRARY_PATH`. */
  readonly libraries: readonly string[];
}

const PLACES: DriverPlaces = {
  proc: '/proc/driver/nvidia',
  dev: '/dev',
  libraries: [
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib64',
    '/usr/lib',
    '/usr/local/nvidia/lib64',
    '/usr/local/nvidia/lib',
    '/usr/lib/wsl/lib',
  ],
};

const QUERY_TIMEOUT_MS = 5_000;
/** The first driver for CUDA 12, whose minor versions all run with it. */
const CUDA_12_DRIVER = 525;

/**
 * Finds out which NVIDIA GPUs there are: from `nvidia-smi`, else from the kernel module, else from the driver's library
 * with a device beside it (a container may have no more). Quick where there is no driver.
 */
export async function findNvidiaGpus(
  env: NodeJS.ProcessEnv = process.env,
  places: DriverPlaces = PLACES,
): Promise<NvidiaGpus> {
  const options = { timeoutMs: QUERY_TIMEOUT_MS, env };
  const listed = await runCommand('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], options);
  if (!listed.ok) return findWithoutTool(env, places);
  const names = listed.stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const banner = names.length === 0 ? undefined : await runCommand('nvidia-smi', [], options);
  return { names, cuda: /CUDA Version:\s*([\d.]+)/.exec(banner?.stdout ?? '')?.[1], driver: 'nvidia-smi' };
}

function findWithoutTool(env: NodeJS.ProcessEnv, { proc, dev, libraries }: DriverPlaces): NvidiaGpus {
  const folder = join(proc, 'gpus');
  if (existsSync(folder)) {
    const names = list(folder).map(
      (gpu) => /Model:\s*(.+)/.exec(read(join(folder, gpu, 'information')))?.[1] ?? 'NVIDIA GPU',
    );
    const release = /Kernel Module\D*(\d+)\./.exec(read(join(proc, 'version')))?.[1];
    const cuda = release === undefined ? undefined : Number(release) >= CUDA_12_DRIVER ? '12' : '11';
    return { names, cuda, driver: proc };
  }
  const searched = [...(env['LD_LIBRARY_PATH'] ?? '').split(delimiter), ...libraries].filter((path) => path !== '');
  const library = searched.map((path) => join(path, 'libcuda.so.1')).find((path) => existsSync(path));
  if (library === undefined) return { names: [], cuda: undefined, driver: undefined };
  const devices = list(dev).filter((name) => /^(nvidia\d+|dxg)$/.test(name));
  return { names: devices.map(() => 'NVIDIA GPU'), cuda: undefined, driver: library };
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function read(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** True when the environment hides every GPU from CUDA. */
export function hidesGpus(env: NodeJS.ProcessEnv = process.env): boolean {
  const visible = env['CUDA_VISIBLE_DEVICES'];
  return visible !== undefined && (visible.trim() === '' || visible.trim().startsWith('-'));
}

/** Whether a TensorFlow for CUDA 12 can use a GPU here; a driver of unknown version is taken to be new enough. */
export function canUseCuda({ names, cuda }: NvidiaGpus, env: NodeJS.ProcessEnv): boolean {
  return names.length > 0 && Number.parseInt(cuda ?? '12', 10) >= 12 && !hidesGpus(env);
}
