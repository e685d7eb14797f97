import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { mkdir, mkdtemp, readlink, realpath, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { failed, used, type Attempt } from '../machine/attempt.ts';
import { bringCudaLibraries, type BringOptions } from './bring-cuda.ts';
import { CUDA_LIBRARIES, cudaFolder, inspectCudaLibraries, type CudaLibraries } from './cuda-libraries.ts';
import { compileLibraryProbe, CRASHED, openLibraries } from './library-probe.ts';
import type { Machine } from '../machine/machine.ts';
import { libraryFolderOf, TENSORFLOW_LIBRARIES, type CudaBuild } from '../find/tensorflow-files.ts';

/** Folders below `../nvidia` in which TensorFlow's libraries look for others. */
const SEARCHED = ['cuda_runtime', 'cublas', 'cufft', 'cusolver', 'cusparse', 'cudnn', 'cuda_cupti', 'nccl', 'nvshmem'];
/** The compiler of GPU code, in the folder where TensorFlow looks for it. */
const COMPILER = 'cuda_nvcc';

export interface ProvideOptions extends BringOptions {
  /** The folder of a binding, finished or being built, that holds TensorFlow's libraries. */
  readonly entry: string;
  readonly build: CudaBuild;
  /** Take the pinned libraries, even if others can be opened. */
  readonly ownOnly?: boolean;
}

/** Libraries that open, and whether they are those of the pinned wheels. */
export interface ProvidedCuda {
  readonly libraries: CudaLibraries;
  readonly own: boolean;
}

/**
 * Makes the libraries of CUDA and cuDNN available to TensorFlow: those of the system if all of them can be opened, else
 * those beside an installed Python package, else those of the pinned wheels, which are downloaded if the cache lacks them.
 */
export async function provideCuda(options: ProvideOptions): Promise<Attempt<ProvidedCuda>> {
  const { entry, env, build, ownOnly = false } = options;
  const major = (version: string) => version.split('.')[0] ?? '';
  if (major(build.cuda) !== '12' || major(build.cudnn) !== '9') {
    const wanted = `CUDA ${build.cuda || 'of an unknown version'} and cuDNN ${build.cudnn || 'of an unknown version'}`;
    return failed(`this TensorFlow was built for ${wanted}, and setup knows the libraries of CUDA 12 and cuDNN 9 only`);
  }
  for (const arrange of ownOnly ? [] : [leaveAsItIs, linkNeighbours]) {
    if (!(await arrange(entry))) continue;
    const found = await inspectCudaLibraries(entry, env, options.wheels);
    if (found.value === undefined) return found;
    if (found.value.missing.length === 0) return used({ libraries: found.value, own: false }, 'CUDA libraries that were here'); // prettier-ignore
  }
  const first = await bringOwn(options);
  // A file in the cache may have the right size and still be damaged; it is then downloaded again.
  const again = first.value !== undefined && (await removeDamaged(first.value, options));
  const brought = again ? await bringOwn(options) : first;
  if (brought.value === undefined) return brought;
  const { missing } = brought.value;
  if (missing.length > 0) return failed(`CUDA libraries cannot be opened: ${missing.join('; ')}`);
  return used({ libraries: brought.value, own: true }, brought.detail);
}

async function bringOwn(options: ProvideOptions): Promise<Attempt<CudaLibraries>> {
  const { entry, env, wheels } = options;
  const brought = await bringCudaLibraries(options);
  if (brought.value === undefined) return brought;
  await linkFolders(entry, join(brought.value, 'lib'), join(brought.value, COMPILER));
  const found = await inspectCudaLibraries(entry, env, wheels);
  return found.value === undefined ? found : used(found.value, brought.detail);
}

/** Removes files of the cache that cannot be opened because they themselves are damaged. @returns whether any was removed */
async function removeDamaged({ libraries }: CudaLibraries, { env, wheels }: ProvideOptions): Promise<boolean> {
  const folder = join(cudaFolder(env, wheels), 'lib');
  const damaged = libraries
    .map(({ name, problem }) => ({ own: join(folder, name), problem, named: pathIn(problem, name) }))
    // Another file of this name, such as one that LD_LIBRARY_PATH leads to, is not ours to replace.
    .filter(({ own, problem, named }) => existsSync(own) && (problem.startsWith(CRASHED) || sameFile(named, own)))
    .map(({ own }) => own);
  for (const path of damaged) await rm(path);
  return damaged.length > 0;
}

/** The file that the loader complains of, where that is the library itself. */
function pathIn(problem: string, name: string): string {
  const end = problem.indexOf(`/${name}: `);
  return end === -1 ? '' : problem.slice(problem.indexOf('/'), end + 1 + name.length);
}

function sameFile(a: string, b: string): boolean {
  return existsSync(a) && realpathSync(a) === realpathSync(b);
}

/** What the system's loader finds, or what an earlier setup has linked. */
function leaveAsItIs(): Promise<boolean> {
  return Promise.resolve(true);
}

/** The folder `nvidia` beside an installed `tensorflow`, where pip has put the libraries. */
async function linkNeighbours(entry: string): Promise<boolean> {
  const library = await realpath(join(libraryFolderOf(entry), TENSORFLOW_LIBRARIES[1]));
  const nvidia = join(dirname(dirname(library)), 'nvidia');
  const inside = await realpath(entry);
  if (library.startsWith(inside) || !existsSync(nvidia)) return false;
  // One folder of links: see filesOf for why they have to lie together.
  const gathered = join(entry, 'cuda');
  await rm(gathered, { recursive: true, force: true });
  await mkdir(gathered, { mode: 0o700 });
  for (const part of readdirSync(nvidia)) {
    const folder = join(nvidia, part, 'lib');
    const libraries = existsSync(folder) ? readdirSync(folder).filter((name) => name.includes('.so')) : [];
    for (const name of libraries) await link(join(folder, name), join(gathered, name));
  }
  // Relative, so that the cache can be moved.
  await linkFolders(entry, join('..', '..', 'cuda'), join(nvidia, COMPILER));
  return true;
}

async function linkFolders(entry: string, libraries: string, compiler: string): Promise<void> {
  for (const part of SEARCHED) {
    await mkdir(join(entry, 'nvidia', part), { recursive: true, mode: 0o700 });
    await link(libraries, join(entry, 'nvidia', part, 'lib'));
  }
  await link(compiler, join(entry, 'nvidia', COMPILER));
}

/** A link that is right already is left alone: a training may be starting. */
async function link(target: string, path: string): Promise<void> {
  if ((await readlink(path).catch(() => '')) === target) return;
  await rm(path, { recursive: true, force: true });
  await symlink(target, path);
}

/** Whether the system's own loader finds every library of CUDA that a GPU needs. */
export async function systemHasCuda(machine: Machine, env: NodeJS.ProcessEnv, workFolder: string): Promise<boolean> {
  const folder = await mkdtemp(join(workFolder, 'system-'));
  const program = await compileLibraryProbe(machine, env, folder);
  if (program.value === undefined) return false;
  const needed = CUDA_LIBRARIES.filter((library) => library.needed).map(({ name }) => name);
  const opened = await openLibraries(program.value, undefined, needed, env);
  return opened.value?.every(({ problem }) => problem === '') === true;
}
