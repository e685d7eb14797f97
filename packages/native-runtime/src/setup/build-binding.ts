import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '@hookline/core';
import { failed, used, type Attempt } from '../machine/attempt.ts';
import { compileBinding, compileStderrGate } from '../binding/compile-binding.ts';
import { compileLibraryProbe } from '../cuda/library-probe.ts';
import type { Machine } from '../machine/machine.ts';
import {
  BINDING_FILE,
  cacheEntryName,
  nativeCacheFolder,
  readCachedBinding,
  type CachedBinding,
} from '../find/native-cache.ts';
import type { NativePackage } from '../find/native-package.ts';
import { hidesGpus } from '../machine/nvidia-gpu.ts';
import { provideCuda, type ProvidedCuda } from '../cuda/provide-cuda.ts';
import type { SetupLimits } from './setup-options.ts';
import { libraryFolderOf, TENSORFLOW_LIBRARIES, type TensorFlowFiles } from '../find/tensorflow-files.ts';
import { verifyBinding, type Verification } from '../binding/verify-binding.ts';

const WORK_PREFIX = '.work-';

/** Runs `work` with a temporary folder in the cache, which must exist. Finished files are renamed out of it; the rest is deleted with it. */
export async function withWorkFolder<T>(env: NodeJS.ProcessEnv, work: (folder: string) => Promise<T>): Promise<T> {
  const root = nativeCacheFolder(env);
  // The setup lock is held: whatever lies here was left by a setup that was killed.
  for (const name of await readdir(root)) {
    if (name.startsWith(WORK_PREFIX)) await rm(join(root, name), { recursive: true, force: true });
  }
  const folder = await mkdtemp(join(root, WORK_PREFIX));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface Built {
  readonly binding: CachedBinding;
  readonly verification: Verification;
  /** What came of bringing the libraries of CUDA; `undefined` where that was not wanted. */
  readonly cuda: Attempt<ProvidedCuda> | undefined;
}

export interface BuildOptions {
  readonly machine: Machine;
  readonly env: NodeJS.ProcessEnv;
  readonly native: NativePackage;
  readonly tensorflow: TensorFlowFiles;
  readonly workFolder: string;
  readonly log: (line: string) => void;
  /** For a CUDA GPU. */
  readonly cuda: boolean;
  readonly limits: SetupLimits;
}

/** Compiles an addon, proves it by a train step, and only then moves it into its place in the cache. */
export async function buildBinding(options: BuildOptions): Promise<Attempt<Built>> {
  const { machine, env, native, tensorflow, workFolder, log, cuda } = options;
  const folder = await mkdtemp(join(workFolder, 'build-'));
  const output = join(folder, BINDING_FILE);
  log(`compiling the addon against TensorFlow ${tensorflow.version}`);
  const libraryFolder = libraryFolderOf(folder);
  await mkdir(libraryFolder, { mode: 0o700 });
  for (const library of TENSORFLOW_LIBRARIES) {
    const from = join(tensorflow.folder, library);
    // What belongs to somebody else stays where it is; the link gives it the folders of this entry to look into.
    if (tensorflow.borrowed) await symlink(from, join(libraryFolder, library));
    else await rename(from, join(libraryFolder, library));
  }
  const entry = {
    tfjs: native.version,
    tensorflow: tensorflow.version,
    napi: native.napi,
    platform: process.platform,
    arch: process.arch,
    cuda: tensorflow.cudaBuild !== undefined,
  };
  const place = join(nativeCacheFolder(env), cacheEntryName(entry));
  // $ORIGIN serves wherever the cache lies; the full path serves loaders that do not follow the link to it.
  const own = libraryFolderOf('$ORIGIN');
  const runtimeFolder = place.includes(',') ? own : `${own}:${libraryFolderOf(place)}`;
  const compiled = await compileBinding({ machine, env, native, tensorflow, output, libraryFolder, runtimeFolder });
  if (compiled.value === undefined) return compiled;
  await compileStderrGate(machine, env, folder);
  const { cudaBuild } = tensorflow;
  // This is done even if no GPU is wanted, because doctor shows which libraries TensorFlow would find.
  const probe = cudaBuild && (await compileLibraryProbe(machine, env, folder));
  if (cuda && probe !== undefined && probe.value === undefined) return probe;
  log('proving it by a train step');
  // On the processor where CUDA is still to come: what the system has of it may be too old for this TensorFlow.
  const verified = await verifyBinding(native.folder, output, cuda ? { ...env, CUDA_VISIBLE_DEVICES: '-1' } : env);
  if (verified.value === undefined) return verified;
  const manifest = { ...entry, cudaBuild, source: tensorflow.source, verified: new Date().toISOString() };
  await writeFile(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await replaceFolder(folder, place, join(workFolder, 'old'));
  const binding = readCachedBinding(place);
  if (binding === undefined) return failed(`${place} could not be read back`);
  const detail = `built against ${tensorflow.source}`;
  if (!cuda) return used({ binding, verification: verified.value, cuda: undefined }, detail);
  // The binding is in its place already, so that a setup that is interrupted while it downloads CUDA continues from here.
  return proveCached({ ...options, binding });
}

/**
 * Brings the libraries of CUDA to a binding of the cache where they are wanted, proves it by a train step, and has its
 * manifest say so, for the one that was proven last is taken. Where there is a GPU and it is not used with the libraries
 * that were found, those of the pinned wheels get their turn.
 */
export async function proveCached(
  options: Omit<BuildOptions, 'tensorflow'> & { readonly binding: CachedBinding },
): Promise<Attempt<Built>> {
  const { machine, env, native, binding, workFolder, limits, log } = options;
  const { folder: entry, cudaBuild, bindingPath } = binding;
  const build = options.cuda ? cudaBuild : undefined;
  const shared = { machine, env, workFolder, timeoutMs: limits.download * 1000, log };
  const provide = (ownOnly: boolean) => build && provideCuda({ ...shared, entry, build, ownOnly });
  const prove = () => verifyBinding(native.folder, bindingPath, env);
  let cuda = await provide(false);
  let verified = await prove();
  const isUsed = verified.value?.usesGpu === true;
  if (!isUsed && cuda?.value?.own === false && machine.gpus.names.length > 0 && !hidesGpus(env)) {
    log('the CUDA libraries that were found do not serve the GPU');
    cuda = await provide(true);
    verified = await prove();
  }
  if (verified.value === undefined) return verified;
  const file = join(entry, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as object;
  const now = new Date().toISOString();
  // Where it cannot be written, the order of the bindings stays what it was.
  await writeFileAtomically(file, `${JSON.stringify({ ...manifest, verified: now }, null, 2)}\n`).catch(
    () => undefined,
  );
  return used({ binding: { ...binding, verified: now }, verification: verified.value, cuda }, verified.detail);
}

/** A process that has the old libraries open keeps them: the system frees them when it ends. */
async function replaceFolder(from: string, to: string, aside: string): Promise<void> {
  await rename(to, aside).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
  await rename(from, to);
}
