import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, skipped, used, type Attempt } from '../machine/attempt.ts';
import { costOfCuda, type CudaCost } from '../cuda/bring-cuda.ts';
import { buildBinding, proveCached, type Built } from './build-binding.ts';
import { downloadWheel } from '../download/download-wheel.ts';
import { freeCacheBytes, inGigabytes, whyTooLittleRoom } from '../download/free-space.ts';
import { findInstalledTensorFlow } from '../download/installed-tensorflow.ts';
import { linkBinding } from '../binding/link-binding.ts';
import type { Machine } from '../machine/machine.ts';
import { findCachedBindings } from '../find/native-cache.ts';
import type { NativePackage } from '../find/native-package.ts';
import type { NativeRuntime } from '../find/native-runtime.ts';
import { runOwnScript } from './own-script.ts';
import { systemHasCuda, type ProvidedCuda } from '../cuda/provide-cuda.ts';
import type { SetupLimits } from './setup-options.ts';
import type { TensorFlowFiles } from '../find/tensorflow-files.ts';
import { unpackWheel } from '../download/tensorflow-wheel.ts';
import { findTensorFlowWheel } from '../download/tensorflow-wheels.ts';
import { verifyBinding, type Verification } from '../binding/verify-binding.ts';

/** A runtime that has passed its train step. */
export interface Working {
  readonly native: NativeRuntime;
  readonly verification: Verification;
  /** What came of the libraries of CUDA; `undefined` where they were not wanted or are not known. */
  readonly cuda?: Attempt<ProvidedCuda> | undefined;
}

export interface WayContext {
  readonly machine: Machine;
  readonly env: NodeJS.ProcessEnv;
  readonly native: NativePackage;
  readonly workFolder: string;
  readonly limits: SetupLimits;
  readonly log: (line: string) => void;
  /** For a CUDA GPU. */
  readonly cuda: boolean;
  /** Take only a TensorFlow that was built as `cuda` says. */
  readonly strict: boolean;
}

/** One way to a working runtime. */
export interface Way {
  readonly name: string;
  run(context: WayContext): Promise<Attempt<Working>>;
}

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
  async run(context) {
    const { native, env, cuda, strict } = context;
    const all = findCachedBindings(native, env);
    const fitting = all.filter((binding) => binding.cuda === cuda);
    const others = strict ? [] : all.filter((binding) => binding.cuda !== cuda);
    let problem = `nothing is kept for this version${strict ? ` ${builtFor(cuda)}` : ''}`;
    for (const binding of [...fitting, ...others]) {
      const proven = await proveCached({ ...context, binding });
      if (proven.value !== undefined)
        return link(native, proven.value, `TensorFlow ${binding.tensorflow} from the cache`);
      problem = proven.detail;
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
      const cost = await costOfDownload(context);
      const noRoom = whyTooLittleRoom(cost.room, await freeCacheBytes(env), env);
      if (noRoom !== '') return failed(noRoom, 'HKL_DISK_FULL');
      if (cuda)
        log(
          `setting up for an NVIDIA GPU: ${inGigabytes(cost.download)} to download, ${inGigabytes(cost.kept)} on disk`,
        );
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

/** What the wheel of TensorFlow takes, and the libraries of CUDA where they are wanted and the system has none. */
async function costOfDownload({ machine, env, workFolder, cuda }: WayContext): Promise<Omit<CudaCost, 'wheels'>> {
  const { bytes: wheel = 0, unpackedBytes: kept = 0 } = findTensorFlowWheel(machine.platform, cuda) ?? {};
  // pip writes a wheel twice.
  const alone = { download: wheel, kept, room: kept + 2 * wheel };
  if (!cuda || (await systemHasCuda(machine, env, workFolder))) return alone;
  const more = costOfCuda(env);
  return { download: wheel + more.download, kept: kept + more.kept, room: kept + Math.max(2 * wheel, more.room) };
}

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
  const { cuda, strict } = context;
  const isForCuda = tensorflow.value.cudaBuild !== undefined;
  if (strict && isForCuda !== cuda) return skipped(`${tensorflow.detail} is not built ${builtFor(cuda)}`);
  const built = await buildBinding({ ...context, cuda: cuda && isForCuda, tensorflow: tensorflow.value });
  if (built.value === undefined) return failed(`${tensorflow.detail}: ${built.detail}`);
  const { binding, verification } = built.value;
  return link(native, built.value, `TensorFlow ${verification.tensorflow} from ${binding.source}`);
}

function builtFor(cuda: boolean): string {
  return cuda ? 'for CUDA' : 'without CUDA';
}

async function link(
  native: NativePackage,
  { binding: { bindingPath }, verification, cuda }: Built,
  detail: string,
): Promise<Attempt<Working>> {
  const problem = await linkBinding(native, bindingPath);
  const linked = problem === '';
  const runtime: NativeRuntime = {
    package: native,
    bindingPath: linked ? native.bindingPath : bindingPath,
    via: linked ? 'package' : 'cache',
  };
  const notes = [
    ...(cuda === undefined ? [] : [cuda.value === undefined ? `without CUDA: ${cuda.detail}` : `with ${cuda.detail}`]),
    ...(linked ? [] : [`used from there, for ${problem}`]),
  ];
  return used({ native: runtime, verification, cuda }, [detail, ...notes].join('; '));
}
