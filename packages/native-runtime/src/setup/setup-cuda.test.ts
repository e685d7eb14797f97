import { chmodSync, copyFileSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { basename, dirname, join } from 'node:path';
import { CUDA_LIBRARIES } from '../cuda/cuda-libraries.ts';
import { diagnose } from '../diagnose/diagnose.ts';
import { formatDiagnosis } from '../diagnose/format-diagnosis.ts';
import { freshProject, type FreshProject } from '../find/fresh-project.test.fixture.ts';
import { LIBRARY_PROBE_FILE } from '../cuda/library-probe.ts';
import { cacheEntryName, findCachedBindings } from '../find/native-cache.ts';
import { findNativePackages } from '../find/native-package.ts';
import { findNativeRuntime } from '../find/native-runtime.ts';
import { setupRuntime } from './setup-runtime.ts';
import type { SetupOptions } from './setup-options.ts';
import type { SetupResult } from './setup-result.ts';
import { TENSORFLOW_VERSION } from '../download/tensorflow-wheels.ts';

let project: FreshProject;
beforeEach(() => {
  project = freshProject();
});

const run = (variables: Record<string, string>, options: SetupOptions = {}): Promise<SetupResult> =>
  setupRuntime({ env: project.env(variables), packagesFrom: [project.folder], ...options });

// setup takes CUDA wheels on linux-x64 alone.
const onLinux = process.platform === 'linux' && process.arch === 'x64' ? describe : describe.skip;

onLinux('which wheels setup asks pip for (needs Linux on x64)', () => {
  /** A machine with a compiler, and a Python whose pip notes what it is asked for and has nothing. */
  function machine(scripts: Record<string, string> = {}): { env: Record<string, string>; asked: () => string[] } {
    const bin = join(dirname(project.folder), 'bin');
    const noted = join(dirname(project.folder), 'asked');
    mkdirSync(bin);
    writeFileSync(noted, '');
    const pip = `for last; do :; done; [ -f "$last" ] && while read -r line; do echo "$line" >> ${noted}; done < "$last"; exit 1`;
    const python3 = `case "$*" in *find_spec*) exit 3;; *download*) ${pip};; *) exit 0;; esac`;
    for (const [name, script] of Object.entries({ 'c++': 'exit 0', python3, ...scripts })) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    return {
      env: { PATH: bin },
      asked: () => readFileSync(noted, 'utf8').split('\n').filter(Boolean).map((line) => line.split('==')[0] ?? ''), // prettier-ignore
    };
  }
  const GPU = 'case "$*" in *query-gpu*) echo "NVIDIA L4";; *) echo "| CUDA Version: 12.4 |";; esac';

  it('is the one for the processor where there is no GPU and nobody asks for CUDA', async () => {
    const { env, asked } = machine();
    const result = await run(env);
    expect(asked()).toEqual(['tensorflow-cpu']);
    expect(result.error).toBeUndefined();
  });

  it('is the one for CUDA where there is a GPU, and then the one for the processor', async () => {
    const { env, asked } = machine({ 'nvidia-smi': GPU });
    const result = await run(env);
    expect(asked()).toEqual(['tensorflow', 'tensorflow-cpu']);
    expect(result.error).toBeUndefined();
  });

  it('is the one for the processor where --no-cuda declines, and where the driver is too old', async () => {
    const { env, asked } = machine({ 'nvidia-smi': GPU });
    await run(env, { cuda: false });
    expect(asked()).toEqual(['tensorflow-cpu']);
    writeFileSync(join(env['PATH'] ?? '', 'nvidia-smi'), `#!/bin/sh\n${GPU.replace('12.4', '11.4')}\n`);
    await run(env);
    expect(asked()).toEqual(['tensorflow-cpu', 'tensorflow-cpu']);
  });

  it('is the one for CUDA alone where --cuda asks for it, and that it cannot be had is an error', async () => {
    const { env, asked } = machine();
    const lines: string[] = [];
    const result = await run(env, { cuda: true, log: (line) => lines.push(line) });
    expect(asked()).toEqual(['tensorflow']);
    expect(lines).toContainEqual(
      expect.stringMatching(/^setting up for an NVIDIA GPU: 3\.4 GB to download, 5\.1 GB on disk$/),
    );
    expect(result).toMatchObject({ runtime: 'wasm', error: { code: 'HKL_CUDA_UNAVAILABLE', who: 'setup --cuda' } });
    expect(result.error?.message).toMatch(/pip could not download tensorflow: .*Without --cuda/);
  });
});

const { runtime } = findNativeRuntime();
const addon = runtime === undefined ? undefined : realpathSync(runtime.bindingPath);
// Both bindings below are copies of the one that setup has built on this machine.
const describeNative = addon === undefined || process.platform !== 'linux' ? describe.skip : onLinux;

describeNative(
  'switching between TensorFlow for the processor and for CUDA (needs the native runtime, and Linux on x64)',
  () => {
    /** A binding of the cache that loads this machine's TensorFlow; the one for CUDA says what it finds of it. */
    function keep(cuda: boolean, verified: string, missing = ''): string {
      const [native] = findNativePackages({ from: [project.folder], env: project.env() });
      const key = { tfjs: native?.version ?? '', tensorflow: TENSORFLOW_VERSION, napi: native?.napi ?? 0, platform: process.platform, arch: process.arch, cuda }; // prettier-ignore
      const folder = join(project.cache, 'native', cacheEntryName(key));
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const path of [project.cache, dirname(folder)]) chmodSync(path, 0o700);
      copyFileSync(addon ?? '', join(folder, 'tfjs_binding.node'));
      for (const name of ['tensorflow', 'libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
        symlinkSync(join(dirname(addon ?? ''), name), join(folder, name));
      }
      const build = cuda ? { cudaBuild: { cuda: '12.5.1', cudnn: '9' } } : {};
      writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...key, ...build, source: 'a test', verified }));
      if (!cuda) return folder;
      const lines = ['libcuda.so.1', ...CUDA_LIBRARIES.map(({ name }) => name)].map((name) =>
        ['libcuda.so.1', missing].includes(name)
          ? `${name}\tfailed\t${name}: cannot open shared object file`
          : `${name}\topened\t/cuda/${name}`,
      );
      const script = lines.map((line) => `printf '%s\\n' '${line}'`).join('\n');
      writeFileSync(join(folder, LIBRARY_PROBE_FILE), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      return folder;
    }
    const linked = (): string => basename(dirname(realpathSync(findNativeRuntime({ from: [project.folder], env: project.env() }).runtime?.bindingPath ?? ''))); // prettier-ignore
    const BIN = { PATH: '/usr/bin:/bin' };

    it('takes each from the cache, as asked, and leaves what works where nothing is asked', async () => {
      const processor = basename(keep(false, '2026-01-02T00:00:00Z'));
      const cuda = basename(keep(true, '2026-01-01T00:00:00Z'));
      const none = join(dirname(project.folder), 'empty');
      expect(await run({ PATH: none })).toMatchObject({ runtime: 'native', cuda: undefined });
      expect(linked()).toBe(processor);

      const asked = await run(BIN, { cuda: true });
      expect(asked).toMatchObject({ runtime: 'native', error: undefined, cuda: { missing: [] } });
      if (asked.verification?.usesGpu === false)
        expect(asked.summary).toMatch(/on the CPU; its CUDA libraries all open/);
      expect(linked()).toBe(cuda);
      expect(await run(BIN, { cuda: true })).toMatchObject({ unchanged: true, error: undefined });
      expect(await run({ PATH: none })).toMatchObject({ unchanged: true });
      expect(linked()).toBe(cuda);

      expect(await run(BIN, { cuda: false })).toMatchObject({ runtime: 'native', error: undefined });
      expect(linked()).toBe(processor);
      // Also where the package has no link: the one that was chosen last is taken.
      rmSync(join(project.packageFolder, 'lib'), { recursive: true });
      expect(linked()).toBe(processor);
    }, 180_000);

    it('says what is missing of CUDA, in doctor by the name of each library', async () => {
      keep(true, '2026-01-01T00:00:00Z', 'libcudnn.so.9');
      const env = project.env({ PATH: '/usr/bin:/bin' });
      const diagnosis = await diagnose({ from: [project.folder], env });
      expect(diagnosis.cuda?.libraries?.missing).toEqual(['libcudnn.so.9: cannot open shared object file']);
      const text = formatDiagnosis(diagnosis);
      expect(text).toMatch(/^cuda {6}missing: libcudnn\.so\.9: cannot open shared object file$/m);
      expect(text).toMatch(/^ +libcublas\.so\.12 +\/cuda\/libcublas\.so\.12$/m);
      expect(text).toMatch(/^ +libcudnn\.so\.9 +FAIL cannot open shared object file$/m);
      expect(text).toMatch(/^ +libcuda\.so\.1 +FAIL cannot open shared object file$/m);
    }, 60_000);

    it('does not load what others may change, where links lead as well', () => {
      const folder = keep(true, '2026-01-01T00:00:00Z');
      const libraries = join(project.cache, 'native', 'cuda', 'lib');
      mkdirSync(libraries, { recursive: true, mode: 0o700 });
      writeFileSync(join(libraries, 'libcudart.so.12'), '');
      mkdirSync(join(folder, 'nvidia', 'cuda_runtime'), { recursive: true });
      symlinkSync(libraries, join(folder, 'nvidia', 'cuda_runtime', 'lib'));
      const env = project.env();
      const [native] = findNativePackages({ from: [project.folder], env });
      const found = () => (native === undefined ? [] : findCachedBindings(native, env)).length;
      expect(found()).toBe(1);
      for (const path of [join(libraries, 'libcudart.so.12'), libraries, join(folder, 'nvidia')]) {
        chmodSync(path, 0o777);
        expect(found()).toBe(0);
        chmodSync(path, 0o700);
      }
      expect(found()).toBe(1);
    });
  },
);
