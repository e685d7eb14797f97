import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dir, filesOnly, plugin, trainer } from '../writers.test.support.ts';

const table = async (file = 'metrics.csv') => (await readFile(join(dir, file), 'utf8')).trimEnd().split('\n');
const evaluating = plugin('evaluating', ({ hooks, storage, checkpoints }) =>
  hooks.afterStep.tap(async ({ iteration }) => {
    if (iteration % 4 === 3) storage.putScalar('val/a,"b"', iteration / 2, { smoothing: false });
    if (iteration === 5) {
      storage.putScalar('odd', Number.NaN, { smoothing: false });
      await checkpoints.save('here');
    }
  }),
);

describe('csv', () => {
  it('is one table at the end, with a column for each scalar of the run and empty fields', async () => {
    await trainer({ ...filesOnly, period: 3, csv: true }, { maxIterations: 8 }, [evaluating]).train();
    const rows = await table();
    expect(rows[0]).toMatch(/^iteration,(eta_seconds,)?odd,total_loss,"val\/a,""b"""$/);
    const plain = rows.map((row) => row.split(',').at(-1));
    expect(plain.slice(1)).toEqual(['', '', '', '1.5', '', '', '', '3.5']);
    expect(rows[6]).toContain('NaN');
    expect(rows[1]).toMatch(/^0,.*1,$/);
  });

  it('is the same for a run that was resumed', async () => {
    const options = { ...filesOnly, period: 3, csv: { file: 'tables/all.csv' } };
    await trainer(options, { maxIterations: 8 }, [evaluating]).train();
    const timeless = (rows: readonly string[]) => rows.map((row) => row.split(',').filter((_, at) => at !== 1));
    const whole = timeless(await table('tables/all.csv'));
    const resumed = trainer(options, { maxIterations: 8 }, [evaluating]);
    await resumed.load(join(dir, 'here.safetensors'));
    await resumed.train();
    expect(timeless(await table('tables/all.csv'))).toEqual(whole);
  });

  it('is also there after a failure, and needs the JSON lines', async () => {
    const failing = trainer(
      { ...filesOnly, csv: true },
      {
        step: ({ iteration }) => {
          if (iteration === 2) throw new Error('unlucky');
          return 1;
        },
      },
    );
    await expect(failing.train()).rejects.toThrow('unlucky');
    expect(await table()).toHaveLength(3);
    await expect(trainer({ ...filesOnly, csv: true, json: false }).train()).rejects.toThrow(/option "csv"/);
  });
});
