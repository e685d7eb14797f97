import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { diagnose } from '../diagnose/diagnose.ts';
import { formatDiagnosis } from '../diagnose/format-diagnosis.ts';
import { freshProject, type FreshProject } from '../find/fresh-project.test.fixture.ts';
import { findNativeRuntime } from '../find/native-runtime.ts';
import { formatSetup, type SetupResult } from './setup-result.ts';
import { setupRuntime } from './setup-runtime.ts';
import type { SetupOptions } from './setup-options.ts';

let project: FreshProject;

beforeEach(() => {
  project = freshProject();
});

function run(variables: Record<string, string> = {}, options: SetupOptions = {}): Promise<SetupResult> {
  return setupRuntime({ env: project.env(variables), packagesFrom: [project.folder], ...options });
}

/** A folder for PATH with the named programs only: links to real ones, or scripts of the test's own. */
function pathWith(programs: Record<string, string>): string {
  const folder = join(dirname(project.folder), 'bin');
  mkdirSync(folder);
  for (const [name, target] of Object.entries(programs)) {
    if (target.startsWith('/')) {
      symlinkSync(target, join(folder, name));
      continue;
    }
    writeFileSync(join(folder, name), `#!/bin/sh\n${target}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

const step = ({ steps }: SetupResult, name: string) => steps.find((entry) => entry.name === name);

/** Nothing half-done: no addon where the package looks, no entry, no work folder and no lock in the cache. */
function expectUntouched(): void {
  expect(existsSync(join(project.packageFolder, 'lib'))).toBe(false);
  const kept = existsSync(join(project.cache, 'native')) ? readdirSync(join(project.cache, 'native')) : [];
  expect(kept).toEqual([]);
}

describe('setupRuntime where something is missing', () => {
  it('says that there is no compiler, and falls back to WebAssembly', async () => {
    const result = await run();
    expect(result).toMatchObject({ runtime: 'wasm', native: undefined });
    expect(result.summary).toBe(
      'native TensorFlow is not available: no C++ compiler was found (g++ or clang++); training will use WebAssembly',
    );
    expect(step(result, 'install script')).toMatchObject({
      outcome: 'skipped',
      detail: 'its download host cannot be reached',
    });
    expect(formatSetup(result).split('\n').at(-1)).toMatch(/training will use WebAssembly \(\d+\.\d s\)$/);
    expectUntouched();
  });

  it('says that there is no Python', async () => {
    const result = await run({ PATH: pathWith({ 'c++': 'exit 0' }) });
    expect(result.summary).toMatch(/not available: Python was not found; training will use WebAssembly/);
    expectUntouched();
  });

  it('says that Python has no pip', async () => {
    const python = 'case "$*" in --version) exit 0;; *find_spec*) exit 3;; *) exit 1;; esac';
    const result = await run({ PATH: pathWith({ 'c++': 'exit 0', python3: python }) });
    expect(step(result, 'installed TensorFlow')).toMatchObject({
      outcome: 'skipped',
      detail: 'python3 has no tensorflow',
    });
    expect(result.summary).toMatch(/python3 has no pip/);
    expectUntouched();
  });

  it('says that the package index cannot be reached', async () => {
    const python3 = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], {
      encoding: 'utf8',
    }).stdout?.trim();
    if (!python3 || spawnSync(python3, ['-m', 'pip', '--version']).status !== 0) {
      skipTest('there is no Python with pip');
    }
    const index = { PIP_INDEX_URL: 'http://127.0.0.1:9/simple', PIP_CONFIG_FILE: '/dev/null', PIP_FIND_LINKS: '' };
    const result = await run({ PATH: pathWith({ 'c++': 'exit 0', python3 }), ...index });
    expect(result.summary).toMatch(/pip could not download tensorflow-cpu: its package index cannot be reached/);
    expectUntouched();
  });

  it('ends a download that hangs', async () => {
    const python = 'case "$*" in *find_spec*) exit 3;; *download*) exec sleep 600;; esac';
    const path = `${pathWith({ 'c++': 'exit 0', python3: python })}:/usr/bin:/bin`;
    const result = await run({ PATH: path }, { limits: { download: 1 } });
    expect(step(result, 'pip download')?.detail).toMatch(/did not finish within 1 s/);
    expectUntouched();
  });

  it('ends an install script that hangs, and removes what it left', async () => {
    const script = `require('fs').mkdirSync('deps'); setTimeout(() => {}, 600000);`;
    writeFileSync(join(project.packageFolder, 'scripts', 'install.js'), script);
    const server = (await import('node:http')).createServer((_, response) => response.end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const result = await run(
      { TFJS_NODE_CDN_STORAGE: `http://127.0.0.1:${String(port)}/` },
      { limits: { ownScript: 1 } },
    );
    server.close();
    expect(step(result, 'install script')).toMatchObject({ outcome: 'failed' });
    expect(step(result, 'install script')?.detail).toMatch(/did not finish within 1 s/);
    expect(existsSync(join(project.packageFolder, 'deps'))).toBe(false);
    expect(result.runtime).toBe('wasm');
    expectUntouched();
  });

  it('goes on after a wheel that is missing, misnamed or broken', async () => {
    const wheel = join(dirname(project.folder), 'tensorflow_cpu-2.21.0-cp311-cp311-linux_x86_64.whl');
    writeFileSync(wheel, 'not a zip file');
    const path = pathWith({ 'c++': 'exit 0', unzip: '[ "$1" = -v ] && exit 0; echo "not a zip" >&2; exit 9' });
    const broken = await run({ PATH: path }, { from: wheel });
    expect(step(broken, 'TensorFlow wheel')?.detail).toMatch(/unzip ended with code 9: not a zip/);
    const misnamed = await run({ PATH: path }, { from: join(project.packageFolder, 'package.json') });
    expect(step(misnamed, 'TensorFlow wheel')?.detail).toMatch(/package\.json is not named as a TensorFlow wheel/);
    const missing = await run({ PATH: path, HOOKLINE_TENSORFLOW_WHEEL: '/nowhere/tensorflow-2.21.0-x.whl' });
    expect(step(missing, 'TensorFlow wheel')?.detail).toMatch(/there is no file \/nowhere/);
    for (const result of [broken, misnamed, missing]) expect(result.runtime).toBe('wasm');
    expectUntouched();
  });

  it('reports what the compiler said', async () => {
    const wheels = join(dirname(project.folder), 'site', 'tensorflow');
    mkdirSync(join(wheels, 'include', 'tensorflow', 'c', 'eager'), { recursive: true });
    const files = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'include/tensorflow/c/c_api.h'];
    for (const file of [...files, 'include/tensorflow/c/eager/c_api.h']) writeFileSync(join(wheels, file), '');
    const python = `case "$*" in *find_spec*) echo 2.99.0; echo ${wheels};; --version) exit 0;; *) exit 1;; esac`;
    const compiler = '[ "$1" = --version ] && exit 0; echo "c_api.h:12:3: error: no type TF_Tensor" >&2; exit 1';
    const result = await run({ PATH: pathWith({ 'c++': compiler, python3: python }) });
    expect(step(result, 'installed TensorFlow')).toMatchObject({ outcome: 'failed' });
    expect(step(result, 'installed TensorFlow')?.detail).toMatch(/did not compile.*error: no type TF_Tensor/);
    expectUntouched();
  });

  it('says that npm has dropped the package and cannot bring it back', async () => {
    project = freshProject({ withPackage: false });
    const registry = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_userconfig: '/dev/null' };
    const path = `${dirname(process.execPath)}:/usr/bin:/bin`;
    const result = await run({ PATH: path, ...registry });
    expect(step(result, 'native package')).toMatchObject({ outcome: 'failed' });
    expect(result.summary).toMatch(/npm could not install @tensorflow\/tfjs-node-gpu@4\.22\.0: .*cannot be reached/);
    expect(readdirSync(join(project.cache, 'packages'))).toEqual([]);
  });

  it('does not take an addon that cannot be loaded for one that works', async () => {
    const { packageFolder } = project;
    const folder = join(packageFolder, 'lib', `napi-v${String(Math.min(8, Number(process.versions.napi)))}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'tfjs_binding.node'), 'broken');
    expect(findNativeRuntime({ from: [project.folder], env: project.env() }).runtime).toBeDefined();
    const result = await run();
    expect(step(result, 'what is there')).toMatchObject({ outcome: 'failed' });
    expect(step(result, 'what is there')?.detail).toMatch(
      /train step failed.*(invalid ELF header|file too short|not a mach-o|valid Win32)/i,
    );
    expect(result.runtime).toBe('wasm');
    const diagnosis = await diagnose({ from: [project.folder], env: project.env() });
    expect(diagnosis.device).toMatchObject({ kind: 'wasm' });
    expect(diagnosis.advice.join()).toMatch(/C\+\+ compiler.*pip.*setup --force/);
    expect(formatDiagnosis(diagnosis)).toMatch(/^will use {2}wasm: .*\nproof {5}none: the train step failed/);
  });
});

describe('setupRuntime in an unwritable cache', () => {
  it('ends with the reason instead of an error', async () => {
    const file = join(dirname(project.folder), 'a-file');
    writeFileSync(file, '');
    const result = await run({ HOOKLINE_CACHE: file });
    expect(result.runtime).toBe('wasm');
    expect(result.summary).toMatch(/setup itself failed: .*(ENOTDIR|EEXIST).*training will use WebAssembly/);
    expect(readFileSync(file, 'utf8')).toBe('');
  });
});
