import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshProject } from '../runtime/fresh-project.test.fixture.ts';
import { findNativeRuntime } from '../runtime/native-runtime.ts';
import { readProcessor } from './processor.ts';

// TensorFlow says at its first op whether it uses oneDNN, which it can where setup has brought the native runtime.
const hasAvx2 = process.arch === 'x64' && readProcessor().cpuFlags.has('avx2');
const native = findNativeRuntime().runtime === undefined || !hasAvx2 ? it.skip : it;

describe('loadNativeBackend', () => {
  it('gives a native package that lies elsewhere, as in the cache, the tfjs that is there', () => {
    const project = freshProject();
    try {
      // The copy of tfjs beside the package: it must stay alone.
      const second = join(project.folder, 'node_modules', '@tensorflow', 'tfjs');
      rmSync(second);
      mkdirSync(second);
      writeFileSync(join(second, 'package.json'), '{ "name": "@tensorflow/tfjs", "version": "4.22.0" }');
      writeFileSync(join(second, 'index.js'), "throw new Error('a second tfjs');");
      const source = join(import.meta.dirname, 'native-backend.ts');
      const program = `
        import tf from '#tfjs';
        import { loadNativeBackend } from ${JSON.stringify(source)};
        const { backend, problem } = await loadNativeBackend(true, { from: [${JSON.stringify(project.folder)}] });
        console.log(problem, backend?.packageName, tf.add(1, 2).dataSync()[0]);
        process.exit(0);`;
      const args = ['--import', 'tsx', '--input-type=module', '-e', program];
      // The addon is the one that setup has left in this user's cache.
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: import.meta.dirname });
      expect(stdout).toBe(' @tensorflow/tfjs-node-gpu 3\n');
      expect(stderr).not.toContain('already registered');
    } finally {
      project.remove();
    }
  });

  native(
    'computes with oneDNN on a processor with AVX2, unless the environment says otherwise (needs the native runtime)',
    () => {
      const source = join(import.meta.dirname, 'native-backend.ts');
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
