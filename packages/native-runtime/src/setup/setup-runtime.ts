import { cacheFolder, describeCause, HooklineError } from '@hookline/core';
import { failed, skipped, used, type Attempt } from '../machine/attempt.ts';
import { withWorkFolder } from './build-binding.ts';
import { cudaEntryOf, inspectCudaLibraries } from '../cuda/cuda-libraries.ts';
import { installNativePackage } from './install-package.ts';
import { inspectMachine, type Machine } from '../machine/machine.ts';
import { makePrivateFolder } from '../machine/trusted-path.ts';
import { nativeCacheFolder } from '../find/native-cache.ts';
import { findNativePackages, TFJS_VERSION, type NativePackage } from '../find/native-package.ts';
import { findNativeRuntime } from '../find/native-runtime.ts';
import { canUseCuda } from '../machine/nvidia-gpu.ts';
import { acquireSetupLock } from './setup-lock.ts';
import { SETUP_LIMITS, type SetupLimits, type SetupOptions } from './setup-options.ts';
import type { SetupResult, SetupStep } from './setup-result.ts';
import * as ways from './setup-ways.ts';
import { verifyBinding } from '../binding/verify-binding.ts';

/**
 * Gets the fastest runtime that this machine allows, and proves it by a train step in a child process.
 *
 * It tries, in this order: a runtime that works already; a wheel that the user gives; the cache; the native package's own
 * script; the TensorFlow of the Python on the path; pip. On a machine with an NVIDIA GPU, the script comes last, because
 * what it downloads was built for CUDA 11, and the other ways also install the libraries of CUDA 12 and cuDNN 9. It never
 * throws and never hangs: every step has a time limit, and if none works, the result says why, and that WebAssembly will
 * be used. Setups that run at the same time wait for each other.
 */
export async function setupRuntime(options: SetupOptions = {}): Promise<SetupResult> {
  const run = new SetupRun(options);
  try {
    return await run.start();
  } catch (error) {
    return run.fallback(`setup itself failed: ${describeCause(error)}`);
  }
}

class SetupRun {
  readonly #options: SetupOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #log: (line: string) => void;
  readonly #limits: SetupLimits;
  readonly #began = performance.now();
  readonly #steps: SetupStep[] = [];
  /** A runtime that works on the CPU only, although a GPU was wanted. */
  #secondBest: ways.Working | undefined;
  /** Why CUDA is not available; reported when the user has asked for it. */
  #cudaProblem: Pick<SetupStep, 'detail' | 'code'> | undefined;

  constructor(options: SetupOptions) {
    this.#options = options;
    this.#env = options.env ?? process.env;
    this.#log = options.log ?? (() => undefined);
    this.#limits = { ...SETUP_LIMITS, ...options.limits };
  }

  async start(): Promise<SetupResult> {
    const machine = await inspectMachine(this.#env);
    const rebuild = this.#options.force === true || this.#options.from !== undefined;
    if (!rebuild && (await this.#tryExisting(machine))) return this.#finish(this.#secondBest, true);
    makePrivateFolder(cacheFolder(this.#env));
    makePrivateFolder(nativeCacheFolder(this.#env));
    const lock = await acquireSetupLock(nativeCacheFolder(this.#env), this.#limits.otherSetup * 1000, this.#log);
    if (lock === undefined) return this.fallback('another setup has not finished');
    try {
      // The setup that held the lock may have done the work.
      if (lock.waited && !rebuild && (await this.#tryExisting(machine))) return this.#finish(this.#secondBest, true);
      const native = await this.#findOrInstallPackage();
      if (native === undefined) return this.fallback();
      return await withWorkFolder(this.#env, (folder) => this.#tryWays(machine, native, folder));
    } finally {
      lock.release();
    }
  }

  /** Whether the runtime that exists is the best that this machine allows, and is the kind that was asked for. */
  async #tryExisting(machine: Machine): Promise<boolean> {
    const { cuda: asked, packagesFrom } = this.#options;
    const working = await this.#step('what is there', async () => {
      const { runtime, problem } = findNativeRuntime({ from: packagesFrom, env: this.#env });
      if (runtime === undefined) return skipped(problem);
      if (runtime.via === 'cache') return skipped('not linked yet; the cache holds a build');
      const entry = cudaEntryOf(runtime.bindingPath);
      if (asked === false && entry !== undefined) return skipped('it was built for CUDA');
      const verified = await verifyBinding(runtime.package.folder, undefined, this.#env);
      if (verified.value === undefined) return verified;
      const { tensorflow } = verified.value;
      const found = entry === undefined ? undefined : await inspectCudaLibraries(entry, this.#env);
      const cuda = found?.value && { ...found, value: { libraries: found.value, own: false } };
      const state = found === undefined ? '' : `; CUDA: ${found.detail}`;
      return used(
        { native: runtime, verification: verified.value, cuda },
        `TensorFlow ${tensorflow} in ${runtime.package.name} works${state}`,
      );
    });
    // A build without CUDA does not satisfy a request for a GPU; it is kept only if nothing better can be installed.
    this.#secondBest = working ?? this.#secondBest;
    return working !== undefined && (!this.#wantsCuda(machine) || hasCuda(working));
  }

  async #findOrInstallPackage(): Promise<NativePackage | undefined> {
    const found = findNativePackages({ from: this.#options.packagesFrom, env: this.#env });
    const fitting = found.find(({ version }) => version === TFJS_VERSION);
    return fitting ?? this.#step('native package', () => installNativePackage(this.#env, this.#log));
  }

  async #tryWays(machine: Machine, native: NativePackage, workFolder: string): Promise<SetupResult> {
    const wanted = this.#wantsCuda(machine);
    const strict = this.#options.cuda !== undefined;
    const context = { machine, env: this.#env, native, workFolder, limits: this.#limits, log: this.#log, strict };
    for (const way of this.#plan(wanted)) {
      const working = await this.#step(way.name, () => way.run({ ...context, cuda: wanted }));
      if (working === undefined) continue;
      if (!wanted || hasCuda(working)) return this.#finish(working, false);
      this.#noteCudaProblem(working);
      this.#secondBest ??= working;
    }
    if (this.#secondBest !== undefined) return this.#finish(this.#secondBest, false);
    // CUDA was not asked for explicitly, so TensorFlow on the CPU is better than WebAssembly.
    if (wanted && !strict) {
      const working = await this.#step('pip download for the processor', () =>
        ways.fromPip.run({ ...context, cuda: false }),
      );
      if (working !== undefined) return this.#finish(working, false);
    }
    return this.fallback();
  }

  #noteCudaProblem({ cuda }: ways.Working): void {
    if (cuda !== undefined && cuda.value === undefined) this.#cudaProblem ??= cuda;
  }

  #plan(cuda: boolean): ways.Way[] {
    const { from, force } = this.#options;
    const wheel = this.#env['HOOKLINE_TENSORFLOW_WHEEL'] ?? '';
    const builds = [ways.fromInstalledTensorFlow, ways.fromPip];
    return [
      ...(from === undefined ? [] : [ways.fromWheel(from)]),
      ...(force === true ? [] : [ways.fromCache]),
      ...(wheel === '' ? [] : [ways.fromWheel(wheel)]),
      ...(cuda ? builds : [ways.fromOwnScript, ...builds]),
      // It was built for CUDA 11, so it does not satisfy an explicit request for CUDA.
      ...(cuda && this.#options.cuda === undefined ? [ways.fromOwnScript] : []),
    ];
  }

  #wantsCuda({ gpus, platform }: Machine): boolean {
    return platform === 'linux-x64' && (this.#options.cuda ?? canUseCuda(gpus, this.#env));
  }

  async #step<T>(name: string, work: () => Promise<Attempt<T>>): Promise<T | undefined> {
    const start = performance.now();
    let attempt: Attempt<T>;
    try {
      attempt = await work();
    } catch (error) {
      attempt = failed(describeCause(error));
    }
    const { outcome, detail } = attempt;
    const code = attempt.outcome === 'used' ? undefined : attempt.code;
    const seconds = (performance.now() - start) / 1000;
    this.#steps.push({ name, outcome, detail, seconds, ...(code === undefined ? {} : { code }) });
    return attempt.value;
  }

  #finish(working: ways.Working | undefined, unchanged: boolean): SetupResult {
    if (working === undefined) return this.fallback();
    const { verification, native, cuda } = working;
    const where = verification.usesGpu ? 'on the GPU' : 'on the CPU';
    const isReady = this.#options.cuda === true && hasCuda(working) && !verification.usesGpu;
    const note = isReady ? '; its CUDA libraries all open, and no GPU is used' : '';
    const summary = `native TensorFlow ${verification.tensorflow} is ready ${where}${note}`;
    const libraries = cuda?.value?.libraries;
    return { ...this.#common(working), runtime: 'native', unchanged, native, verification, cuda: libraries, summary };
  }

  /** The result when native TensorFlow is not available, which is not an error. */
  fallback(reason = this.#steps.at(-1)?.detail ?? 'nothing was tried'): SetupResult {
    if (this.#secondBest !== undefined) return this.#finish(this.#secondBest, true);
    const summary = `native TensorFlow is not available: ${reason}; training will use WebAssembly`;
    const nothing = { native: undefined, verification: undefined, cuda: undefined };
    return { ...this.#common(undefined), runtime: 'wasm', unchanged: true, ...nothing, summary };
  }

  #common(working: ways.Working | undefined): Pick<SetupResult, 'steps' | 'seconds' | 'error'> {
    const error =
      this.#options.cuda === true && (working === undefined || !hasCuda(working)) ? this.#explainNoCuda() : undefined;
    return { steps: this.#steps, seconds: (performance.now() - this.#began) / 1000, error };
  }

  #explainNoCuda(): HooklineError {
    const platform = `${process.platform}-${process.arch}`;
    if (platform !== 'linux-x64') {
      return new HooklineError('HKL_CUDA_UNAVAILABLE', `there is no TensorFlow with CUDA for ${platform}`, {
        who: 'setup --cuda',
        fix: 'Leave --cuda out',
      });
    }
    const told =
      this.#steps.find((step) => step.code !== undefined) ??
      this.#steps.findLast(({ outcome }) => outcome === 'failed');
    const { detail, code } = this.#cudaProblem ?? told ?? this.#steps.at(-1) ?? { detail: 'nothing was tried' };
    return new HooklineError(code ?? 'HKL_CUDA_UNAVAILABLE', detail, {
      who: 'setup --cuda',
      fix: 'See to that and run it again; what was downloaded whole is kept. Without --cuda, training runs on the processor',
    });
  }
}

/** It trains on a GPU, or it would: every library of CUDA that a GPU needs opens. */
function hasCuda({ verification, cuda }: ways.Working): boolean {
  return verification.usesGpu || cuda?.value?.libraries.missing.length === 0;
}
