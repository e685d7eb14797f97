import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TrainerBase } from '@hookline/core';
import { {{export}} } from './preset.ts';

test('trains with all of its plugins', async () => {
  const output = await mkdtemp(join(tmpdir(), '{{metric}}-'));
  const trainer = new TrainerBase({
    maxIterations: 10,
    output,
    step: ({ iteration }) => 1 / (iteration + 1),
    plugins: [{{export}}()],
  });
  const { plugins } = await trainer.describe();
  assert.ok(plugins.some(({ name }) => name === '@hookline/plugin-early-stopping'));
  const { status } = await trainer.train();
  assert.equal(status, 'completed');
  assert.ok((await readdir(output)).includes('metrics.json'));
  await trainer.dispose();
  await rm(output, { recursive: true });
});

test('its plugins can be configured and left out', async () => {
  const changed = {{export}}().configure('early-stopping', { patience: 10 }).without('writers');
  const trainer = new TrainerBase({ maxIterations: 1, step: () => 1, plugins: [changed] });
  const { plugins } = await trainer.describe();
  assert.ok(!plugins.some(({ name }) => name === '@hookline/plugin-writers'));
  await trainer.close();
});
