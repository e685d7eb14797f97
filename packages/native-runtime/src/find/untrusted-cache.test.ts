import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshProject } from './fresh-project.test.fixture.ts';
import { cacheEntryName, findCachedBindings } from './native-cache.ts';
import { findNativePackages, TFJS_VERSION } from './native-package.ts';
import { findNativeRuntime } from './native-runtime.ts';
import { setupRuntime } from '../setup/setup-runtime.ts';
import { makePrivateFolder, whyUntrusted } from '../machine/trusted-path.ts';

const asRoot = process.geteuid?.() === 0 ? it : it.skip;

describe('a cache that other users may change', () => {
  let root: string;
  beforeEach(() => {
    root = temporaryFolder();
  });

  /** What setup leaves, as far as looking for it goes. */
  function entryIn(cache: string, napi: number): string {
    const key = { tfjs: TFJS_VERSION, tensorflow: '2.21.0', napi, platform: process.platform, arch: process.arch };
    const entry = join(cache, 'native', cacheEntryName({ ...key, cuda: false }));
    mkdirSync(entry, { recursive: true });
    writeFileSync(join(entry, 'tfjs_binding.node'), '');
    writeFileSync(join(entry, 'manifest.json'), JSON.stringify({ ...key, cuda: false }));
    return entry;
  }

  it('is not used: nobody else may write it, its entries or their files', () => {
    const project = freshProject();
    const env = project.env();
    const [native] = findNativePackages({ from: [project.folder], env });
    if (native === undefined) throw new Error('no package');
    const entry = entryIn(project.cache, native.napi);
    const look = () => findNativeRuntime({ from: [project.folder], env });
    expect(look().runtime).toMatchObject({ via: 'cache' });
    for (const path of [project.cache, join(project.cache, 'native'), entry, join(entry, 'tfjs_binding.node')]) {
      const { mode } = statSync(path);
      chmodSync(path, 0o777);
      expect(findCachedBindings(native, env)).toEqual([]);
      expect(look().runtime).toBeUndefined();
      chmodSync(path, mode);
    }
    // The same behind the link that setup puts into the package.
    mkdirSync(join(native.bindingPath, '..'), { recursive: true });
    symlinkSync(join(entry, 'tfjs_binding.node'), native.bindingPath);
    expect(look().runtime).toMatchObject({ via: 'package' });
    chmodSync(entry, 0o777);
    expect(look()).toMatchObject({
      runtime: undefined,
      problem: `other users may write ${entry}: remove it, or set HOOKLINE_CACHE to a folder of your own`,
    });
  });

  asRoot('is not used when it is somebody else, and setup says so (needs root, who can give files away)', async () => {
    const project = freshProject();
    mkdirSync(project.cache);
    chownSync(project.cache, 12345, 12345);
    expect(whyUntrusted(project.cache)).toContain('belongs to another user (number 12345)');
    const result = await setupRuntime({ env: project.env(), packagesFrom: [project.folder] });
    expect(result.runtime).toBe('wasm');
    expect(result.summary).toMatch(/belongs to another user \(number 12345\): remove it, or set HOOKLINE_CACHE/);
  });

  it('is made for this user alone, and closed where it is open', () => {
    const fresh = join(root, 'a', 'b');
    makePrivateFolder(fresh);
    expect(statSync(fresh).mode & 0o777).toBe(0o700);
    chmodSync(fresh, 0o777);
    makePrivateFolder(fresh);
    expect(statSync(fresh).mode & 0o777).toBe(0o755);
  });
});
