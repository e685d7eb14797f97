import { chmod, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { failed, used, type Attempt } from '../machine/attempt.ts';
import { cudaFolder, filesOf, missingCudaWheels } from './cuda-libraries.ts';
import { CUDA_WHEEL_TAGS, CUDA_WHEELS, type CudaWheel } from './cuda-wheels.ts';
import { freeCacheBytes, inGigabytes, whyTooLittleRoom } from '../download/free-space.ts';
import { downloadPinnedWheel, type PipOptions } from '../download/pip-download.ts';
import { makePrivateFolder } from '../machine/trusted-path.ts';
import { unpackFiles } from '../download/unpack-files.ts';

/** How much must be downloaded and stored for the wheels that the cache lacks. */
export interface CudaCost {
  readonly wheels: number;
  /** Bytes to download. */
  readonly download: number;
  /** Bytes that they occupy in the cache afterwards. */
  readonly kept: number;
  /** Bytes that have to be free: pip writes a wheel twice, and it is removed when it has been unpacked. */
  readonly room: number;
}

/** What is missing in the cache, in bytes; nothing is downloaded. */
export function costOfCuda(env: NodeJS.ProcessEnv, wheels: readonly CudaWheel[] = CUDA_WHEELS): CudaCost {
  const missing = missingCudaWheels(env, wheels);
  const sizes = missing.flatMap((wheel) => filesOf(wheel, '')).map(({ bytes }) => bytes);
  const kept = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const download = missing.reduce((sum, { bytes }) => sum + bytes, 0);
  const largest = Math.max(0, ...missing.map(({ bytes }) => bytes));
  return { wheels: missing.length, download, kept, room: kept + 2 * largest };
}

export interface BringOptions extends Omit<PipOptions, 'folder' | 'anyRelease' | 'uncached'> {
  /** A folder of the cache for what is unfinished. The setup lock is held. */
  readonly workFolder: string;
  readonly wheels?: readonly CudaWheel[];
  /** Bytes that may be taken. Default: what is free on the disk of the cache. */
  readonly free?: number | undefined;
}

/**
 * Installs the libraries of CUDA and cuDNN into the cache. Each wheel is downloaded, checked against its hash, unpacked in
 * a work folder and moved into its place file by file, so that an interrupted setup continues with the wheel it had begun.
 *
 * @returns the folder that holds them; `HKL_DISK_FULL` where there is no room, before anything is downloaded
 */
export async function bringCudaLibraries(options: BringOptions): Promise<Attempt<string>> {
  const { machine, env, workFolder, log, wheels = CUDA_WHEELS } = options;
  const folder = cudaFolder(env, wheels);
  const missing = missingCudaWheels(env, wheels);
  if (missing.length === 0) return used(folder, `the CUDA libraries in ${folder}`);
  const cost = costOfCuda(env, wheels);
  const noRoom = whyTooLittleRoom(cost.room, options.free ?? (await freeCacheBytes(env)), env);
  if (noRoom !== '') return failed(`the CUDA libraries do not fit: ${noRoom}`, 'HKL_DISK_FULL');
  log(
    `bringing the libraries of CUDA and cuDNN: ${String(cost.wheels)} wheels, ${inGigabytes(cost.download)} to download, ` +
      `${inGigabytes(cost.kept)} on disk in ${folder}`,
  );
  makePrivateFolder(folder);
  for (const [index, wheel] of missing.entries()) {
    log(`${String(index + 1)} of ${String(cost.wheels)}: ${wheel.name} ${wheel.version} (${inGigabytes(wheel.bytes)})`);
    const part = join(workFolder, 'cuda');
    await rm(part, { recursive: true, force: true });
    const wanted = { ...wheel, tags: CUDA_WHEEL_TAGS };
    const quiet = { machine, env, timeoutMs: options.timeoutMs, log: () => undefined, folder: part, uncached: true };
    const downloaded = await downloadPinnedWheel(wanted, quiet);
    const placed = downloaded.value === undefined ? downloaded : await place(wheel, downloaded.value, folder, part, options); // prettier-ignore
    if (placed.value === undefined) {
      const kept = `${String(wheels.length - missing.length + index)} of ${String(wheels.length)} wheels are kept`;
      return failed(`${placed.detail}; ${kept}, and the next setup goes on from there`);
    }
  }
  return used(folder, `CUDA libraries of ${String(wheels.length)} wheels`);
}

async function place(
  wheel: CudaWheel,
  downloaded: string,
  folder: string,
  part: string,
  { machine, env }: BringOptions,
): Promise<Attempt<string>> {
  const files = filesOf(wheel, folder);
  const unpacked = join(part, 'unpacked');
  const members = files.map(({ member }) => member);
  const attempt = await unpackFiles(downloaded, members, unpacked, machine, env);
  if (attempt.value === undefined) return attempt;
  for (const { member, bytes } of files) {
    const size = await stat(join(unpacked, member)).then(({ size }) => size, () => -1); // prettier-ignore
    if (size !== bytes) return failed(`${wheel.name} ${wheel.version} holds no ${member} of ${String(bytes)} bytes`);
  }
  for (const { member, place: target } of files) {
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    // A wheel may say that its files are writable by a group; ptxas is a program.
    await chmod(join(unpacked, member), 0o755);
    await rename(join(unpacked, member), target);
  }
  await rm(part, { recursive: true, force: true });
  return used(folder, `unpacked ${wheel.name}`);
}
