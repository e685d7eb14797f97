import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, skipped, used, type Attempt } from './attempt.ts';
import { buildBinding, freeCacheBytes } from './build-binding.ts';
import { downloadWheel } from './download-wheel.ts';
import { findInstalledTensorFlow } from './installed-tensorflow.ts';
import { linkBinding } from './link-binding.ts';
import type { Machine } from './machine.ts';
import { findCachedBindings } from './native-cache.ts';
import type { NativePackage } from './native-package.ts';
import type { NativeRuntime } from './native-runtime.ts';
import { runOwnScript } from './own-script.ts';
import type { SetupLimits } from './setup-options.ts';
import type { TensorFlowFiles } from './tensorflow-files.ts';
import { unpackWheel } from './tensorflow-wheel.ts';
import { verifyBinding, type Verification } from './verify-binding.ts';

/** A runtime that has passed its train step. */
export interface Working {
  readonly native: NativeRuntime;
  readonly verification: Verification;
}

export interface WayContext {
  readonly machine: Machine;
  readonly env: NodeJS.ProcessEnv;
  readonly native: NativePackage;
  readonly workFolder: string;
  readonly limits: SetupLimits;
  readonly log: (line: string) => void;
  /** Build for a CUDA GPU. */
  readonly cuda: boolean;
}

/** One way to a working runtime. */
export interface Way {
  readonly name: string;
  run(context: WayContext): Promise<Attempt<Working>>;
}

const NEEDED_BYTES = 1.5e9;

export function fromWheel(wheel: string): Way {
  return {
    name: 'TensorFlow wheel',
    run: (context) =>
      build(context, () => {
        context.log(`unpacking ${wheel}`);
        return unpackWheel(wheel, join(context.workFolder, 'wheel'), context.machine, context.env);
      }),
  };
}

export const fromCache: Way = {
  name: 'cache',
  async run({ native, env }) {
    let problem = 'nothing is kept for this version';
    for (const { bindingPath, tensorflow } of findCachedBindings(native, env)) {
      const verified = await verifyBinding(native.folder, bindingPath, env);
      if (verified.value !== undefined)
        return link(native, bindingPath, verified.value, `TensorFlow ${tensorflow} from the cache`);
      problem = verified.detail;
    }
    return skipped(problem);
  },
};

export const fromOwnScript: Way = {
  name: 'install script',
  async run({ native, env, limits, log }) {
    const installed = await runOwnScript({ native, env, log, timeoutMs: limits.ownScript * 1000 });
    if (installed.value === undefined) return installed;
    const verified = await verifyBinding(native.folder, undefined, env);
    if (verified.value === undefined) {
      // An addon that does not work must not stay where the package would load it.
      await rm(native.bindingPath, { force: true });
      return verified;
    }
    const runtime = { package: native, bindingPath: native.bindingPath, via: 'package' as const };
    return used({ native: runtime, verification: verified.value }, installed.detail);
  },
};

export const fromInstalledTensorFlow: Way = {
  name: 'installed TensorFlow',
  run: (context) => build(context, () => findInstalledTensorFlow(context.machine, context.env)),
};

export const fromPip: Way = {
  name: 'pip download',
  run: (context) =>
    build(context, async () => {
      const { machine, env, workFolder, cuda, limits, log } = context;
      const free = await freeCacheBytes(env);
      if (free !== undefined && free < NEEDED_BYTES) {
        return skipped(`only ${(free / 1e9).toFixed(1)} GB are free where the cache lies; 1.5 GB are needed`);
      }
      const folder = join(workFolder, 'download');
      const timeoutMs = limits.download * 1000;
      const wheel = await downloadWheel({ machine, env, folder, cuda, timeoutMs, log });
      if (wheel.value === undefined) return wheel;
      log('unpacking the wheel');
      const unpacked = await unpackWheel(wheel.value, join(workFolder, 'pip'), machine, env, wheel.detail);
      await rm(folder, { recursive: true, force: true });
      return unpacked;
    }),
};

/** Finds out whether building can work at all before anything is downloaded for it. */
async function build(
  context: WayContext,
  findTensorFlow: () => Promise<Attempt<TensorFlowFiles>>,
): Promise<Attempt<Working>> {
  const { machine, native } = context;
  if (!machine.platform.startsWith('linux-'))
    return skipped(`the addon is compiled on Linux only, not on ${machine.platform}`);
  if (machine.compiler === undefined) return skipped('no C++ compiler was found (g++ or clang++)');
  if (machine.nodeHeaders === undefined)
    return skipped('the headers of Node-API were not found (npm package node-api-headers)');
  const tensorflow = await findTensorFlow();
  if (tensorflow.value === undefined) return tensorflow;
  const built = await buildBinding({ ...context, tensorflow: tensorflow.value });
  if (built.value === undefined) return failed(`${tensorflow.detail}: ${built.detail}`);
  const { binding, verification } = built.value;
  return link(
    native,
    binding.bindingPath,
    verification,
    `TensorFlow ${verification.tensorflow} from ${binding.source}`,
  );
}

async function link(
  native: NativePackage,
  bindingPath: string,
  verification: Verification,
  detail: string,
): Promise<Attempt<Working>> {
  const problem = await linkBinding(native, bindingPath);
  const linked = problem === '';
  const runtime: NativeRuntime = {
    package: native,
    bindingPath: linked ? native.bindingPath : bindingPath,
    via: linked ? 'package' : 'cache',
  };
  return used({ native: runtime, verification }, linked ? detail : `${detail}; used from there, for ${problem}`);
}
