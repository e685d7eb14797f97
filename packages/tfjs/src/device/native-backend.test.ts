import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshProject } from '../runtime/fresh-project.test.fixture.ts';

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
});
