import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrainerBase } from '@hookline/core';
import { checkPluginContract } from '@hookline/testing';
import { {{export}} } from './plugin.ts';

// Misspelt options, two trainings in one trainer, and a resume at every iteration.
test('keeps the contract of plugins', () => checkPluginContract({ plugin: () => {{export}}() }));

test('averages the loss', async () => {
  const losses = [8, 4, 2];
  const trainer = new TrainerBase({
    maxIterations: losses.length,
    step: ({ iteration }) => losses[iteration] ?? Number.NaN,
    plugins: [{{export}}({ decay: 0.5 })],
  });
  await trainer.train();
  assert.equal(trainer.storage.history('{{metric}}').latest(), 4);
  await trainer.dispose();
});
