import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const hookline = join(dirname(createRequire(import.meta.url).resolve('hookline/package.json')), 'bin', 'hookline.js');

test('learns', () => {
  const output = mkdtempSync(join(tmpdir(), 'training-'));
  execFileSync(process.execPath, [hookline, 'train', 'trainer.ts', '--output', output, '--set', 'seed=1'], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const records = readFileSync(join(output, 'metrics.json'), 'utf8').trim().split('\n');
  const { accuracy } = Object.assign({}, ...records.map((line) => JSON.parse(line) as object)) as { accuracy: number };
  assert.ok(accuracy > 0.9, `the accuracy is ${accuracy}`);
  rmSync(output, { recursive: true });
});
