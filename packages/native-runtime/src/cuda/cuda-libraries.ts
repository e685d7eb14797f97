import { createHash } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { failed, used, type Attempt } from '../machine/attempt.ts';
import { CUDA_RELEASE, CUDA_WHEELS, type CudaWheel } from './cuda-wheels.ts';
import { CRASHED, LIBRARY_PROBE_FILE, openLibraries } from './library-probe.ts';
import { nativeCacheFolder, readCachedBinding } from '../find/native-cache.ts';
import { libraryFolderOf, TENSORFLOW_LIBRARIES } from '../find/tensorflow-files.ts';

interface KnownLibrary {
  /** The name under which it is opened. */
  readonly name: string;
  /** Who opens it, and what for. */
  readonly use: string;
  /** Without it TensorFlow leaves every GPU alone, or fails in a convolution. */
  readonly needed: boolean;
}

const known = (use: string, names: readonly string[], needed = true): KnownLibrary[] =>
  names.map((name) => ({ name, use, needed }));

/** The driver's library: it comes with the driver and never from a wheel. */
export const CUDA_DRIVER_LIBRARY = 'libcuda.so.1';

/** Libraries of CUDA 12 and cuDNN 9 by the names under which they are opened, those that TensorFlow asks for first. */
export const CUDA_LIBRARIES: readonly KnownLibrary[] = [
  ...known('TensorFlow', ['libcudart.so.12', 'libcublas.so.12', 'libcublasLt.so.12', 'libcufft.so.11']),
  ...known('TensorFlow', ['libcusolver.so.11', 'libcusparse.so.12', 'libcudnn.so.9']),
  ...known('cuDNN', ['libcudnn_graph.so.9', 'libcudnn_ops.so.9', 'libcudnn_cnn.so.9', 'libcudnn_adv.so.9']),
  ...known('cuDNN', ['libcudnn_heuristic.so.9', 'libcudnn_engines_precompiled.so.9']),
  ...known('cuDNN', ['libcudnn_engines_runtime_compiled.so.9', 'libnvrtc.so.12']),
  ...known('TensorFlow, for profiles', ['libcupti.so.12'], false),
  ...known('TensorFlow, for several GPUs', ['libnccl.so.2', 'libnvshmem_host.so.3'], false),
];

/** The state of one library on this machine. */
export interface CudaLibrary extends KnownLibrary {
  /** The file that is opened; `undefined` where none is. */
  readonly path: string | undefined;
  /** What is wrong with it, or an empty string. */
  readonly problem: string;
}

/** What TensorFlow finds when it opens the libraries of CUDA. */
export interface CudaLibraries {
  readonly driver: CudaLibrary;
  readonly libraries: readonly CudaLibrary[];
  /** One phrase per library that a GPU needs and that cannot be opened; empty when they all open. */
  readonly missing: readonly string[];
}

/** The folder of the cache that holds the libraries of the pinned wheels; other pins have another folder. */
export function cudaFolder(env: NodeJS.ProcessEnv, wheels: readonly CudaWheel[] = CUDA_WHEELS): string {
  const digest = createHash('sha256').update(wheels.map(({ sha256 }) => sha256).join()).digest('hex'); // prettier-ignore
  return join(nativeCacheFolder(env), `cuda-${CUDA_RELEASE.cuda}-${digest.slice(0, 8)}`);
}

/** A file of a wheel and its place in the cache. */
export interface CudaFile {
  /** Its path inside the wheel. */
  readonly member: string;
  readonly place: string;
  readonly bytes: number;
}

/**
 * What is kept of a wheel. All libraries lie in one folder, since many look for others beside themselves only: with a
 * folder for each, cuBLAS and cuDNN do not find NVRTC, nor TensorFlow cuSOLVER.
 *
 * @param folder of {@link cudaFolder}
 */
export function filesOf({ folder: inside, files }: CudaWheel, folder: string): CudaFile[] {
  return Object.entries(files).map(([file, bytes]) => ({
    member: `nvidia/${inside}/${file}`,
    place: file.startsWith('lib/') ? join(folder, file) : join(folder, inside, file),
    bytes,
  }));
}

/** Wheels of which a file is not there as it should be. A file gets into its place whole, so its size says enough. */
export function missingCudaWheels(env: NodeJS.ProcessEnv, wheels: readonly CudaWheel[] = CUDA_WHEELS): CudaWheel[] {
  const folder = cudaFolder(env, wheels);
  const isThere = ({ place, bytes }: CudaFile) => statSync(place, { throwIfNoEntry: false })?.size === bytes;
  return wheels.filter((wheel) => !filesOf(wheel, folder).every(isThere));
}

/** The folder of the cache that an addon lies in, whatever links lead there, where it was built for CUDA. */
export function cudaEntryOf(bindingPath: string): string | undefined {
  if (!existsSync(bindingPath)) return undefined;
  const entry = readCachedBinding(dirname(realpathSync(bindingPath)));
  return entry?.cuda === true ? entry.folder : undefined;
}

/**
 * Has TensorFlow open every library of CUDA by name, in child processes.
 *
 * @param entry a binding's folder in the cache, or one that is being built
 */
export async function inspectCudaLibraries(
  entry: string,
  env: NodeJS.ProcessEnv,
  wheels: readonly CudaWheel[] = CUDA_WHEELS,
): Promise<Attempt<CudaLibraries>> {
  const program = join(entry, LIBRARY_PROBE_FILE);
  if (!existsSync(program)) return failed('it was built by an older setup; run `npx hookline setup --force`');
  const tensorflow = join(libraryFolderOf(entry), TENSORFLOW_LIBRARIES[0]);
  const names = [CUDA_DRIVER_LIBRARY, ...CUDA_LIBRARIES.map(({ name }) => name)];
  const opened = await openLibraries(program, tensorflow, names, env);
  if (opened.value === undefined) return opened;
  const own = ownSizes(env, wheels);
  const lib = join(cudaFolder(env, wheels), 'lib');
  const [driver, ...libraries] = opened.value.map((found, index): CudaLibrary => {
    const { name, use, needed } = CUDA_LIBRARIES[index - 1] ?? { name: found.name, use: 'TensorFlow', needed: true };
    // Of one that ends the process when it is opened nobody says where it lies.
    const path = found.problem.startsWith(CRASHED) ? join(lib, name) : found.path;
    const problem = wrongSize(path, own) || found.problem;
    return { name, use, needed, path: found.path, problem };
  });
  if (driver === undefined) return failed('nothing was tried');
  const missing = libraries
    .filter(({ needed, problem }) => needed && problem !== '')
    .map(({ name, problem }) => (problem.startsWith(`${name}: `) ? problem : `${name}: ${problem}`));
  return used({ driver, libraries, missing }, missing.length === 0 ? 'every library opens' : missing.join('; '));
}

/** The sizes of the libraries in the cache, by the files that links to them end at. */
function ownSizes(env: NodeJS.ProcessEnv, wheels: readonly CudaWheel[]): Map<string, number> {
  const files = wheels.flatMap((wheel) => filesOf(wheel, cudaFolder(env, wheels)));
  return new Map(
    files.filter(({ place }) => existsSync(place)).map(({ place, bytes }) => [realpathSync(place), bytes]),
  );
}

/** A library that was cut off may well open, and end the process when its code is first used. */
function wrongSize(path: string | undefined, sizes: ReadonlyMap<string, number>): string {
  if (path === undefined || !existsSync(path)) return '';
  const real = realpathSync(path);
  const expected = sizes.get(real);
  const { size } = statSync(real);
  if (expected === undefined || expected === size) return '';
  return `${real} has ${String(size)} bytes instead of ${String(expected)}`;
}
