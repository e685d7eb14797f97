import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsoleLogger } from 'hookline';
import trainerFile from './trainer.ts';

describe('a trainer of your own', () => {
  it('runs its own evaluation and reports test-time augmentation in results and logs', async () => {
    const output = temporaryFolder();
    const set = [
      'data.count=400',
      'solver.maxIterations=12',
      'solver.warmupIterations=2',
      'solver.batchSize=16',
      'model.width=4',
      'writers.tensorboard=false',
    ];
    const trainer = trainerFile.create({ output, set, logger: new ConsoleLogger({ level: 'silent' }) });
    const { status, results } = await trainer.train();
    expect(status).toBe('completed');
    expect(results).toEqual({ accuracy: expect.any(Number), accuracy_TTA: expect.any(Number) });
    const lines = (await readFile(join(output, 'metrics.json'), 'utf8')).trim().split('\n');
    const last = lines
      .map((line) => JSON.parse(line) as Record<string, number>)
      .findLast((line) => 'accuracy_TTA' in line);
    expect(last?.['accuracy_TTA']).toBe(results?.['accuracy_TTA']);
  });
});
