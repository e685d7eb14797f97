import { describeCause } from '@hookline/core';
import { failed, skipped, used, type Attempt } from './attempt.ts';
import { withWorkFolder } from './build-binding.ts';
import { cacheFolder } from './cache-folder.ts';
import { installNativePackage } from './install-package.ts';
import { inspectMachine, type Machine } from './machine.ts';
import { makePrivateFolder } from './trusted-path.ts';
import { nativeCacheFolder } from './native-cache.ts';
import { findNativePackages, TFJS_VERSION, type NativePackage } from './native-package.ts';
import { findNativeRuntime } from './native-runtime.ts';
import { hidesGpus } from './nvidia-gpu.ts';
import { acquireSetupLock } from './setup-lock.ts';
import { SETUP_LIMITS, type SetupLimits, type SetupOptions } from './setup-options.ts';
import type { SetupResult, SetupStep } from './setup-result.ts';
import * as ways from './setup-ways.ts';
import { verifyBinding } from './verify-binding.ts';

/**
 * Gets the fastest runtime that this machine allows, and proves it by a train step in a child process.
 *
 * Tries in order: what already works; a wheel that the user gives; the cache; the native package's own script; the
 * TensorFlow of the Python on the path; pip. Where there is an NVIDIA GPU the script comes last, because what it
 * downloads was built for CUDA 11. Never throws and never hangs: every step has a time limit, and where none works the
 * result says why and that WebAssembly will be used. Several setups at once wait for each other.
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
  /** Works, but only on the CPU of a machine with a GPU. */
  #secondBest: ways.Working | undefined;

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

  /** True when what is there is as good as this machine allows. */
  async #tryExisting(machine: Machine): Promise<boolean> {
    const wanted = this.#wantsCuda(machine);
    const working = await this.#step('what is there', async () => {
      const { runtime, problem } = findNativeRuntime({ from: this.#options.packagesFrom, env: this.#env });
      if (runtime === undefined) return skipped(problem);
      if (runtime.via === 'cache') return skipped('not linked yet; the cache holds a build');
      const verified = await verifyBinding(runtime.package.folder, undefined, this.#env);
      if (verified.value === undefined) return verified;
      const { tensorflow } = verified.value;
      return used(
        { native: runtime, verification: verified.value },
        `TensorFlow ${tensorflow} in ${runtime.package.name} works`,
      );
    });
    this.#secondBest = working ?? this.#secondBest;
    return working !== undefined && (!wanted || working.verification.usesGpu);
  }

  async #findOrInstallPackage(): Promise<NativePackage | undefined> {
    const found = findNativePackages({ from: this.#options.packagesFrom, env: this.#env });
    const fitting = found.find(({ version }) => version === TFJS_VERSION);
    return fitting ?? this.#step('native package', () => installNativePackage(this.#env, this.#log));
  }

  async #tryWays(machine: Machine, native: NativePackage, workFolder: string): Promise<SetupResult> {
    const cuda = this.#wantsCuda(machine);
    const context = { machine, env: this.#env, native, workFolder, limits: this.#limits, log: this.#log, cuda };
    for (const way of this.#plan(cuda)) {
      const working = await this.#step(way.name, () => way.run(context));
      if (working === undefined) continue;
      if (!cuda || working.verification.usesGpu) return this.#finish(working, false);
      this.#secondBest ??= working;
    }
    return this.#secondBest === undefined ? this.fallback() : this.#finish(this.#secondBest, false);
  }

  #plan(cuda: boolean): ways.Way[] {
    const { from, force } = this.#options;
    const wheels = [from, this.#env['HOOKLINE_TENSORFLOW_WHEEL']].filter(
      (wheel) => wheel !== undefined && wheel !== '',
    );
    const builds = [ways.fromInstalledTensorFlow, ways.fromPip];
    return [
      ...(from === undefined ? [] : [ways.fromWheel(from)]),
      ...(force === true ? [] : [ways.fromCache]),
      ...wheels.slice(from === undefined ? 0 : 1).map((wheel) => ways.fromWheel(wheel ?? '')),
      ...(cuda ? [...builds, ways.fromOwnScript] : [ways.fromOwnScript, ...builds]),
    ];
  }

  #wantsCuda({ gpus, platform }: Machine): boolean {
    const driver = Number.parseInt(gpus.cuda ?? '0', 10);
    return gpus.names.length > 0 && driver >= 12 && platform === 'linux-x64' && !hidesGpus(this.#env);
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
    this.#steps.push({ name, outcome, detail, seconds: (performance.now() - start) / 1000 });
    return attempt.value;
  }

  #finish(working: ways.Working | undefined, unchanged: boolean): SetupResult {
    if (working === undefined) return this.fallback();
    const { verification, native } = working;
    const where = verification.usesGpu ? 'on the GPU' : 'on the CPU';
    const summary = `native TensorFlow ${verification.tensorflow} is ready ${where}`;
    return { ...this.#common(), runtime: 'native', unchanged, native, verification, summary };
  }

  /** The result where native TensorFlow cannot be had: not an error. */
  fallback(reason = this.#steps.at(-1)?.detail ?? 'nothing was tried'): SetupResult {
    if (this.#secondBest !== undefined) return this.#finish(this.#secondBest, true);
    const summary = `native TensorFlow is not available: ${reason}; training will use WebAssembly`;
    return { ...this.#common(), runtime: 'wasm', unchanged: true, native: undefined, verification: undefined, summary };
  }

  #common(): Pick<SetupResult, 'steps' | 'seconds'> {
    return { steps: this.#steps, seconds: (performance.now() - this.#began) / 1000 };
  }
}
