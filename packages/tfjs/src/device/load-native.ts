import Module, { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import tf from '#tfjs';
import { describeCause } from '@hookline/core';
import { findNativeRuntime, withoutNotes, type LookupOptions, type NativeRuntime } from '@hookline/native-runtime';
import { asNativeBackend, NATIVE_BACKEND, type NativeBackend } from './native-backend.ts';
import { setTensorFlowVariables } from './onednn.ts';
import { shimNodeUtil } from './node-util-shim.ts';

/** The backend of tfjs-node in this process, and the package that provided it. */
export interface LoadedNative {
  readonly backend: NativeBackend;
  readonly packageName: string;
  readonly problem: '';
}

/** The loaded backend, or why it could not be loaded. */
export type NativeAttempt = LoadedNative | { readonly backend: undefined; readonly problem: string };

/**
 * Loads the native backend into this process and makes it the active one. It never throws: when a package is missing or
 * cannot be loaded, it returns the problem in words.
 *
 * @param hideGpu prevents TensorFlow from using a GPU; works only for the first load in a process
 * @param lookup where to look for the native package
 */
export async function loadNativeBackend(hideGpu = false, lookup: LookupOptions = {}): Promise<NativeAttempt> {
  const { runtime, problem } = findNativeRuntime(lookup);
  if (runtime === undefined) return failed(problem);
  try {
    if (!(NATIVE_BACKEND in tf.engine().registryFactory)) requireNative(runtime, hideGpu);
    await tf.setBackend(NATIVE_BACKEND);
  } catch (cause) {
    const why = describeCause(cause).split('\n')[0] ?? '';
    return failed(`${runtime.package.name} could not be loaded: ${why}`);
  }
  const backend = asNativeBackend(tf.backend());
  if (backend === undefined) return failed(`${runtime.package.name} has registered another backend than its own`);
  return { backend, packageName: runtime.package.name, problem: '' };
}

const failed = (problem: string): NativeAttempt => ({ backend: undefined, problem });

function requireNative(runtime: NativeRuntime, hideGpu: boolean): void {
  shimNodeUtil();
  setTensorFlowVariables(process.env);
  const visible = process.env['CUDA_VISIBLE_DEVICES'];
  if (hideGpu) process.env['CUDA_VISIBLE_DEVICES'] = '-1';
  try {
    const require = createRequire(join(runtime.package.folder, 'package.json'));
    withoutNotes(runtime.bindingPath, process.env, () => {
      withOwnTfjs(runtime.package.folder, () => {
        if (runtime.via === 'package') require(runtime.package.folder);
        else requireWithBinding(require, runtime);
      });
    });
  } finally {
    if (hideGpu && visible === undefined) delete process.env['CUDA_VISIBLE_DEVICES'];
    else if (hideGpu) process.env['CUDA_VISIBLE_DEVICES'] = visible;
  }
}

/**
 * Makes the native package use this package's tfjs when it would otherwise load a second copy from elsewhere. A second
 * copy takes memory and warns about every kernel that is registered twice.
 */
function withOwnTfjs<T>(folder: string, work: () => T): T {
  const modules = Module as unknown as {
    _resolveFilename: (request: string, parent?: { filename?: string }, ...rest: unknown[]) => string;
  };
  const resolve = modules._resolveFilename;
  const own = createRequire(import.meta.url);
  modules._resolveFilename = (request, parent, ...rest) => {
    const isTfjs = /^@tensorflow\/tfjs(?!-node)(-|\/|$)/.test(request);
    // Only requests from the package's own folder are redirected.
    if (!isTfjs || parent?.filename?.startsWith(join(folder, sep)) !== true) {
      return resolve.call(modules, request, parent, ...rest);
    }
    try {
      return own.resolve(request);
    } catch {
      return resolve.call(modules, request, parent, ...rest);
    }
  };
  try {
    return work();
  } finally {
    modules._resolveFilename = resolve;
  }
}

/**
 * The package asks node-pre-gyp for the path of its addon. When the package's own folder is not writable, this function
 * supplies the path. It patches an inner module of node-pre-gyp, because the main module only forwards to that module
 * with a getter that cannot be replaced.
 */
function requireWithBinding(require: NodeJS.Require, { package: { folder }, bindingPath }: NativeRuntime): void {
  type Find = (manifest: string, options?: object) => string;
  const locator = require('@mapbox/node-pre-gyp/lib/pre-binding.js') as { find: Find };
  const { find } = locator;
  const own = join(folder, 'package.json');
  locator.find = (manifest, options) => (manifest === own ? bindingPath : find(manifest, options));
  try {
    require(folder);
  } finally {
    locator.find = find;
  }
}
