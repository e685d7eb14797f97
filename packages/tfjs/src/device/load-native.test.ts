import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findNativeRuntime } from '@hookline/native-runtime';
import { readProcessor } from './processor.ts';

const { runtime } = findNativeRuntime();
// TensorFlow logs at its first op whether it uses oneDNN, which requires the native runtime from setup.
const hasAvx2 = process.arch === 'x64' && readProcessor().cpuFlags.has('avx2');
const native = runtime === undefined || !hasAvx2 ? it.skip : it;
const withRuntime = runtime === undefined ? it.skip : it;

/** A project whose native package is a copy without addon, next to links to all other packages and another tfjs. */
function projectWithCopy(packageFolder: string): string {
  const project = temporaryFolder();
  const modules = dirname(dirname(packageFolder));
  const own = join(project, 'node_modules');
  mkdirSync(join(own, '@tensorflow', 'tfjs'), { recursive: true });
  for (const name of readdirSync(modules)) {
    if (name !== '@tensorflow') symlinkSync(join(modules, name), join(own, name));
  }
  const isProduct = (path: string) => /[/\\]tfjs-node(-gpu)?[/\\](lib|deps)([/\\]|$)/.test(path);
  const copy = join(own, packageFolder.slice(modules.length));
  cpSync(packageFolder, copy, { recursive: true, filter: (path) => !isProduct(path) });
  // Setup cannot link the addon into this copy, so its path is supplied when the package is loaded.
  writeFileSync(join(copy, 'lib'), 'in the way');
  writeFileSync(
    join(own, '@tensorflow', 'tfjs', 'package.json'),
    '{ "name": "@tensorflow/tfjs", "version": "4.22.0" }',
  );
  writeFileSync(join(own, '@tensorflow', 'tfjs', 'index.js'), "throw new Error('a second tfjs');");
  return project;
}

describe('loadNativeBackend', () => {
  withRuntime(
    'gives a native package elsewhere, such as in the cache, the addon of the cache and the tfjs of this package (needs the native runtime)',
    () => {
      const project = projectWithCopy(runtime?.package.folder ?? '');

      const source = join(import.meta.dirname, 'load-native.ts');
      const program = `
        import tf from '#tfjs';
        import { findNativeRuntime } from '@hookline/native-runtime';
        import { loadNativeBackend } from ${JSON.stringify(source)};
        const options = { from: [${JSON.stringify(project)}] };
        const { packageName, problem } = await loadNativeBackend(true, options);
        console.log(findNativeRuntime(options).runtime?.via, problem, packageName, tf.add(1, 2).dataSync()[0]);
        process.exit(0);`;
      const args = ['--import', 'tsx', '--input-type=module', '-e', program];
      // The addon is the one that setup stored in this user's cache.
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: import.meta.dirname });
      expect(stdout).toBe('cache  @tensorflow/tfjs-node-gpu 3\n');
      expect(stderr).not.toContain('already registered');
    },
  );

  native(
    'computes with oneDNN on a processor with AVX2, unless the environment says otherwise (needs the native runtime)',
    () => {
      const source = join(import.meta.dirname, 'load-native.ts');
      const program = `
      import * as tf from '@tensorflow/tfjs';
      import { loadNativeBackend } from ${JSON.stringify(source)};
      await loadNativeBackend(true);
      tf.matMul([[1]], [[2]]).dataSync();`;
      const args = ['--import', 'tsx', '--input-type=module', '-e', program];
      const notes = (own: string | undefined): string => {
        const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '0', TF_ENABLE_ONEDNN_OPTS: own };
        return spawnSync(process.execPath, args, { encoding: 'utf8', cwd: import.meta.dirname, env }).stderr;
      };
      expect(notes(undefined)).toContain('oneDNN custom operations are on');
      expect(notes('0')).not.toContain('oneDNN custom operations are on');
    },
  );
});
