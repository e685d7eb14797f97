import { lstatSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { diagnose } from '../diagnose/diagnose.ts';
import { freshProject, type FreshProject } from '../find/fresh-project.test.fixture.ts';
import { findNativeRuntime } from '../find/native-runtime.ts';
import { setupRuntime } from './setup-runtime.ts';

const MINUTES = 60_000;

let project: FreshProject;
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  project = freshProject();
  // The machine as it is, with a cache of the test's own.
  env = { ...process.env, HOOKLINE_CACHE: project.cache };
});

describe('setupRuntime on this machine', () => {
  it(
    'gets native TensorFlow from nothing, once for two setups at the same time, and finds it again',
    async () => {
      const lines: string[] = [];
      const options = { env, packagesFrom: [project.folder], log: (line: string) => lines.push(line) };
      const [first, second] = await Promise.all([setupRuntime(options), setupRuntime(options)]);
      if (first.runtime === 'wasm') {
        // No compiler, no Python or no network here: then the one line must say so.
        expect(first.summary).toMatch(/^native TensorFlow is not available: .+; training will use WebAssembly$/);
        expect(second.runtime).toBe('wasm');
        skipTest(first.summary);
      }
      expect([first, second].map(({ unchanged }) => unchanged).sort()).toEqual([false, true]);
      expect(lines.filter((line) => line === 'proving it by a train step')).toHaveLength(1);
      expect(first.verification?.lossAfter).toBeLessThan(first.verification?.lossBefore ?? 0);
      const kept = readdirSync(join(project.cache, 'native'));
      expect(kept).toEqual([
        expect.stringMatching(/^tfjs-4\.22\.0_tensorflow-2\.\d+\.\d+(-cuda)?_napi-\d+_linux-\w+$/),
      ]);

      const script = `console.log(require('@tensorflow/tfjs-node-gpu').getBackend())`;
      const plain = spawnSync(process.execPath, ['-e', script], { cwd: project.folder, encoding: 'utf8' });
      expect(plain.stdout).toBe('tensorflow\n');

      const again = await setupRuntime(options);
      expect(again).toMatchObject({ runtime: 'native', unchanged: true });

      // A second project, or one whose packages were installed anew, takes what the cache holds.
      const addon = first.native?.bindingPath ?? '';
      expect(lstatSync(addon).isSymbolicLink()).toBe(true);
      rmSync(addon);
      const relinked = await setupRuntime(options);
      expect(relinked.steps.at(-1)).toMatchObject({ name: 'cache', outcome: 'used' });
      expect(statSync(addon).isFile()).toBe(true);

      // Where the package's folder cannot be written, the addon is handed over when the package is loaded.
      rmSync(join(project.packageFolder, 'lib'), { recursive: true });
      writeFileSync(join(project.packageFolder, 'lib'), 'in the way');
      const handed = await setupRuntime(options);
      expect(handed.native).toMatchObject({ via: 'cache' });
      expect(handed.steps.at(-1)?.detail).toMatch(/used from there, for .* cannot be written/);
      const { native, advice } = await diagnose({ from: [project.folder], env });
      expect(native.runtime?.via).toBe('cache');
      expect(native.verification?.tensorflow).toBe(first.verification?.tensorflow);
      expect(advice.join()).not.toMatch(/hookline setup`/);
    },
    15 * MINUTES,
  );

  it(
    'brings back a package that npm has dropped',
    async () => {
      const dropped = freshProject({ withPackage: false });
      const options = { env, packagesFrom: [dropped.folder] };
      const result = await setupRuntime(options);
      if (result.runtime === 'wasm') {
        expect(result.summary).toMatch(/^native TensorFlow is not available: .+; training will use WebAssembly$/);
        skipTest(result.summary);
      }
      expect(result.steps).toContainEqual(expect.objectContaining({ name: 'native package', outcome: 'used' }));
      expect(result.native?.package.folder.startsWith(project.cache)).toBe(true);
      expect(findNativeRuntime({ from: [], env }).runtime?.package.folder).toBe(result.native?.package.folder);
    },
    15 * MINUTES,
  );
});
