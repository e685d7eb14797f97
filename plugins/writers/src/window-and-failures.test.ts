import { join } from 'node:path';
import { definePlugin } from '@hookline/core';
import { writersHooks } from './index.ts';
import { dir, filesOnly, lines, plugin, recorder, trainer } from './writers.test.support.ts';

describe('writers', () => {
  it('shows a resumed run the time that remains by its own steps', async () => {
    const timed = (seconds: number) =>
      plugin('timer', ({ hooks, storage }) => {
        hooks.afterStep.tap(() => storage.putScalar('time', seconds));
      });
    const saves = plugin('saves', ({ hooks, checkpoints }) =>
      hooks.afterTrain.tap(async () => void (await checkpoints.save('first'))),
    );
    const early = trainer({ ...filesOnly, period: 10 }, { maxIterations: 40 }, [timed(100), saves]);
    await early.train();
    const { text, logger } = recorder(true, 120);
    const late = trainer({ ...filesOnly, period: 10, progress: { refresh: 0 } }, { logger }, [timed(1)]);
    await late.load(join(dir, 'first.safetensors'));
    await late.train();
    // The first line comes before the first time of this run is put: the writers are first here.
    const etas = text.flatMap((line) => /eta (\S+)/.exec(line)?.[1] ?? []);
    expect(etas.slice(-3)).toEqual(['0:02', '0:01', '0:00']);
    expect((await lines()).find(({ iteration }) => iteration === 49)?.['eta_seconds']).toBe(0);
    expect(text.join('')).not.toMatch(/eta \d\d:/);
  });

  it('smooths over windowSize iterations', async () => {
    await trainer({ console: false, tensorboard: false, windowSize: 3, json: { values: 'latest' } }).train();
    expect((await lines()).map(({ total_loss }) => total_loss)).toEqual([1 / 19, 1 / 39, 1 / 49]);
  });

  it('hands a batch to every plugin that taps write, also after one that throws', async () => {
    const names: string[] = [];
    const writer = (name: string, write: () => void) =>
      definePlugin({
        name,
        version: '1.0.0',
        before: ['writing'],
        requires: { writers: writersHooks },
        setup: ({ writers: hooks }) => hooks.write.tap(write),
      })();
    const broken = writer('broken', () => {
      throw new Error('no network');
    });
    const other = writer('other', () => void names.push('other'));
    const training = trainer({ ...filesOnly, json: false }, { maxIterations: 20 }, [broken, other]);
    await expect(training.train()).rejects.toThrow(/no network/);
    expect(names).toEqual(['other']);
  });

  it('writes everything else when a scalar cannot be read', async () => {
    const odd = plugin('odd', ({ hooks, storage }) =>
      hooks.afterStep.tap(({ iteration }) => {
        if (iteration === 18) storage.putScalar('odd', { read: () => Promise.reject(new Error('device lost')) });
      }),
    );
    await expect(trainer(filesOnly, { maxIterations: 20 }, [odd]).train()).rejects.toThrow(/device lost/);
    expect((await lines()).map(({ iteration }) => iteration)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});
