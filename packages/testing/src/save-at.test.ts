import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainerBase } from '@hookline/core';
import { RecordingLogger } from './recording-logger.ts';
import { saveAt } from './save-at.ts';

it('saves after the iterations that it is told, and nothing for one that does not come', async () => {
  const output = temporaryFolder();

  const make = () =>
    new TrainerBase({
      step: () => 1,
      maxIterations: 4,
      plugins: [saveAt(1), saveAt(2, 'late'), saveAt(9, 'never')],
      output,
      logger: new RecordingLogger(),
    });
  await make().train();
  expect(await readdir(output)).toEqual(['last_checkpoint', 'late.safetensors', 'mid.safetensors']);
  const resumed = make();
  await resumed.load(join(output, 'mid.safetensors'));
  expect(resumed.iteration).toBe(2);
});
