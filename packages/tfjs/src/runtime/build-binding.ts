import { mkdtemp, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, used, type Attempt } from './attempt.ts';
import { compileBinding, compileStderrGate } from './compile-binding.ts';
import type { Machine } from './machine.ts';
import { cacheEntryName, nativeCacheFolder, readCachedBinding, type CachedBinding } from './native-cache.ts';
import type { NativePackage } from './native-package.ts';
import { TENSORFLOW_LIBRARIES, type TensorFlowFiles } from './tensorflow-files.ts';
import { verifyBinding, type Verification } from './verify-binding.ts';

const WORK_PREFIX = '.work-';

/** A folder in the cache, which exists, to work in; what is finished is renamed out of it, the rest goes with it. */
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

/** Bytes free where the cache lies; `undefined` where the system does not tell. */
export async function freeCacheBytes(env: NodeJS.ProcessEnv): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(nativeCacheFolder(env));
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

export interface Built {
  readonly binding: CachedBinding;
  readonly verification: Verification;
}

export interface BuildOptions {
  readonly machine: Machine;
  readonly env: NodeJS.ProcessEnv;
  readonly native: NativePackage;
  readonly tensorflow: TensorFlowFiles;
  readonly workFolder: string;
  readonly log: (line: string) => void;
}

/** Compiles an addon, proves it by a train step, and only then moves it into its place in the cache. */
export async function buildBinding(options: BuildOptions): Promise<Attempt<Built>> {
  const { machine, env, native, tensorflow, workFolder, log } = options;
  const folder = await mkdtemp(join(workFolder, 'build-'));
  const output = join(folder, 'tfjs_binding.node');
  log(`compiling the addon against TensorFlow ${tensorflow.version}`);
  if (!tensorflow.borrowed) {
    for (const library of TENSORFLOW_LIBRARIES) await rename(join(tensorflow.folder, library), join(folder, library));
  }
  const libraryFolder = tensorflow.borrowed ? tensorflow.folder : folder;
  const entry = {
    tfjs: native.version,
    tensorflow: tensorflow.version,
    napi: native.napi,
    platform: process.platform,
    arch: process.arch,
    cuda: tensorflow.cuda,
  };
  const place = join(nativeCacheFolder(env), cacheEntryName(entry));
  // $ORIGIN serves wherever the cache lies; the full path serves loaders that do not follow the link to it.
  const own = place.includes(',') ? '$ORIGIN' : `$ORIGIN:${place}`;
  const runtimeFolder = tensorflow.borrowed ? tensorflow.folder : own;
  const compiled = await compileBinding({ machine, env, native, tensorflow, output, libraryFolder, runtimeFolder });
  if (compiled.value === undefined) return compiled;
  await compileStderrGate(machine, env, folder);
  log('proving it by a train step');
  const verified = await verifyBinding(native.folder, output, env);
  if (verified.value === undefined) return verified;
  const manifest = { ...entry, source: tensorflow.source, verified: new Date().toISOString() };
  await writeFile(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await replaceFolder(folder, place, join(workFolder, 'old'));
  const binding = readCachedBinding(place);
  if (binding === undefined) return failed(`${place} could not be read back`);
  return used({ binding, verification: verified.value }, `built against ${tensorflow.source}`);
}

/** A process that has the old libraries open keeps them: the system frees them when it ends. */
async function replaceFolder(from: string, to: string, aside: string): Promise<void> {
  await rename(to, aside).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
  await rename(from, to);
}
