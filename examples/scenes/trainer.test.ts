import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsoleLogger, selectDevice } from 'hookline';
import scenes from './trainer.ts';

const folder = temporaryFolder();

it('trains, evaluates and writes pictures, with captured steps if possible', async () => {
  const { native } = await selectDevice('auto');
  const trainer = await scenes.createOnDevice({
    output: join(folder, 'run'),
    logger: new ConsoleLogger({ level: 'silent' }),
    set: [
      `data.root=${join(folder, 'data')}`,
      `capture=${native ? 'required' : 'auto'}`,
      'seed=1',
      'scenes.train=8',
      'scenes.test=2',
      'input.width=64',
      'input.height=48',
      'model.width=8',
      'solver.batchSize=4',
      'solver.maxIterations=40',
      'solver.warmupIterations=4',
      'test.evalPeriod=20',
      'writers.tensorboard=false',
    ],
  });
  const { status, results } = await trainer.train();
  await trainer.dispose();
  expect(status).toBe('completed');
  expect(Object.keys(results?.['bbox'] ?? {})).toEqual(expect.arrayContaining(['AP', 'AP50', 'AP-circle', 'AP-A']));
  const lines = (await readFile(join(folder, 'run', 'metrics.json'), 'utf8')).trim().split('\n');
  const losses = lines.map((line) => (JSON.parse(line) as Record<string, number>)['total_loss']!);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(losses).toHaveLength(40);
  expect(mean(losses.slice(-5))).toBeLessThan(0.85 * mean(losses.slice(0, 5)));
  expect(await readdir(join(folder, 'run', 'predictions'))).toEqual(['0000019.png', '0000039.png']);
  expect(await readdir(join(folder, 'run'))).toContain('curves.svg');
});

it('has smaller values for machines without native code', () => {
  const [full, small] = [scenes.create().config, scenes.create({ valuesOn: 'wasm' }).config];
  expect(small.input.width * small.input.height).toBeLessThan(full.input.width * full.input.height);
  expect(small.model.width).toBeLessThan(full.model.width);
  expect(small.scenes).toEqual(full.scenes);
});
