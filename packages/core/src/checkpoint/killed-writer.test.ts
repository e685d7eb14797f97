import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { removeStaleTemps } from '../files/atomic-file.ts';
import { readCheckpoint } from './checkpoint-file.ts';

const KILLS = 30;

// Writes the same file over and over, each time with a size and contents that follow from the iteration.
const WRITER = `
import { writeCheckpoint } from ${JSON.stringify(join(import.meta.dirname, 'checkpoint-file.ts'))};
const path = process.argv[2];
for (let iteration = 1; ; iteration++) {
  const length = 10_000 + ((iteration * 7919) % 7) * 400_000;
  const tensors = new Map([
    ['weights', { dtype: 'float32', shape: [length], data: new Float32Array(length).fill(iteration) }],
    ['step', { dtype: 'int32', shape: [], data: Int32Array.of(iteration) }],
  ]);
  await writeCheckpoint(path, { tensors, manifest: { iteration, hookline: '0', entries: {} } });
  if (iteration === 1) process.stdout.write('ready');
}
`;

describe('a writer that is killed', () => {
  let folder = '';
  beforeAll(async () => {
    folder = temporaryFolder();
    const source = join(folder, 'writer.ts');
    await writeFile(source, WRITER);
    const esbuild = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');
    const options = ['--bundle', '--platform=node', '--format=esm', `--outfile=${join(folder, 'writer.mjs')}`];
    execFileSync(esbuild, [source, ...options, '--log-level=error']);
  });

  it(`leaves a complete file under the final name, each of ${KILLS} times, and temporary files that can be told`, async () => {
    const run = join(folder, 'run');
    const path = join(run, 'model.safetensors');
    let [interrupted, iterations] = [0, 0];
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawn(process.execPath, [join(folder, 'writer.mjs'), path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await new Promise((done) => setTimeout(done, Math.random() * 60));
      child.kill('SIGKILL');
      expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);

      const { manifest, tensors } = await readCheckpoint(path);
      const { iteration } = manifest;
      iterations = Math.max(iterations, iteration);
      expect(tensors.get('step')?.data).toEqual(Int32Array.of(iteration));
      const weights = tensors.get('weights')?.data as Float32Array;
      expect(weights.length).toBe(10_000 + ((iteration * 7919) % 7) * 400_000);
      expect(weights.every((weight) => weight === iteration)).toBe(true);

      if ((await removeStaleTemps(run)).length > 0) interrupted++;
      expect(await readdir(run)).toEqual(['model.safetensors']);
    }
    // Otherwise nothing was tried: most kills must hit a file that is being written.
    expect(interrupted).toBeGreaterThan(KILLS / 3);
    expect(iterations).toBeGreaterThan(1);
  });
});
