import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin } from '@hookline/core';
import { type WriteBatch, type Writer, writers, writersHooks } from './index.ts';
import { dir, filesOnly, lines, plugin, recorder, trainer } from './writers.test.support.ts';

describe('writers', () => {
  it('has the version of its package', async () => {
    const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as object;
    expect(manifest).toMatchObject({ name: writers.definition.name, version: writers.definition.version });
  });

  it('writes every value of every iteration, whatever the period', async () => {
    await trainer({ ...filesOnly, period: 7 }).train();
    const found = await lines();
    expect(found.map(({ iteration, total_loss }) => [iteration, total_loss])).toEqual(
      Array.from({ length: 50 }, (_, i) => [i, 1 / (i + 1)]),
    );
  });

  it('writes with values: latest what detectron2 does: one line per period, medians over 20 iterations', async () => {
    await trainer({ ...filesOnly, json: { values: 'latest' } }, { step: ({ iteration }) => iteration }).train();
    const found = await lines();
    expect(found.map(({ iteration, total_loss }) => [iteration, total_loss])).toEqual([
      [19, 9.5],
      [39, 29.5],
      [49, 39.5],
    ]);
  });

  it('loses nothing that is put at odd moments: late, in afterTrain, after its own turn', async () => {
    const odd = plugin(
      'odd',
      ({ hooks, storage }) => {
        hooks.afterStep.tap(({ iteration }) => {
          if (iteration === 30) storage.putScalar('late', 1, { iteration: 3 });
          if (iteration === 49) storage.putScalar('after_writer', 2);
        });
        hooks.afterTrain.tap(() => storage.putScalar('results', 3));
      },
      ['writing'],
    );
    await trainer({ ...filesOnly }, {}, [odd]).train();
    const found = await lines();
    expect(found[3]).toMatchObject({ iteration: 3, late: 1, total_loss: 0.25 });
    expect(found[49]).toMatchObject({ iteration: 49, after_writer: 2 });
    expect(found[50]).toEqual({ iteration: 50, results: 3 });
    expect(found).toHaveLength(51);
  });

  it('goes on with the file of a resumed run, without gap, overlap or contradiction', async () => {
    const saver = (at: number) =>
      plugin('saver', ({ hooks, checkpoints, storage }) => {
        hooks.afterStep.tap(async ({ iteration }) => {
          if (iteration !== at) return;
          await checkpoints.save('middle');
          // As an evaluator does, after the checkpoint.
          storage.putScalar('accuracy', 0.5);
        });
      });
    const failing = trainer(
      { ...filesOnly, period: 10 },
      {
        step: ({ iteration }) => {
          if (iteration === 48) throw new Error('power cut');
          return iteration < 36 ? 1 : 2;
        },
      },
      [saver(35)],
    );
    await expect(failing.train()).rejects.toThrow(/power cut/);
    expect((await lines()).at(-1)).toMatchObject({ iteration: 47, total_loss: 2 });

    const resumed = trainer({ ...filesOnly, period: 10 }, { step: () => 3 }, [saver(-1)]);
    await resumed.resumeOrLoad();
    expect(resumed.iteration).toBe(36);
    await resumed.train();
    const found = await lines();
    expect(found.map(({ iteration }) => iteration)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(found.map(({ total_loss }) => total_loss)).toEqual([...Array(36).fill(1), ...Array(14).fill(3)]);
    expect(found[35]).toMatchObject({ accuracy: 0.5 });
  });

  it('keeps the metrics of an earlier run beside those of a new one, and goes on in the same file when train() is called again', async () => {
    await trainer({ ...filesOnly }, { maxIterations: 2 }).train();
    const second = trainer({ ...filesOnly }, { maxIterations: 3, step: () => 9 });
    await second.train();
    await second.train({ maxIterations: 5 });
    expect((await readdir(dir)).sort()).toEqual(['metrics.1.json', 'metrics.json']);
    expect((await lines('metrics.1.json')).map(({ total_loss }) => total_loss)).toEqual([1, 0.5]);
    expect((await lines()).map(({ iteration, total_loss }) => [iteration, total_loss])).toEqual(
      [0, 1, 2, 3, 4].map((i) => [i, 9]),
    );
  });

  it('logs lines at the period and the last step, silent after that', async () => {
    const { text, logger } = recorder();
    await trainer({ json: false, tensorboard: false }, { logger }).train();
    expect(text.map((line) => /iter: \d+ {2}total_loss: \S+/.exec(line)?.[0])).toEqual([
      // Medians over the last 20 iterations.
      'iter: 19  total_loss: 0.09545',
      'iter: 39  total_loss: 0.0328',
      'iter: 49  total_loss: 0.0247',
    ]);
  });

  it('shows a progress line on a terminal, and there only the last line of metrics', async () => {
    const { text, logger } = recorder(true);
    await trainer({ json: false, tensorboard: false, progress: { refresh: 0 } }, { logger }).train();
    const status = text.filter((line) => line.startsWith('\r\u001b[K['));
    expect(status).toHaveLength(51);
    expect(status[24]?.slice(4)).toMatch(/^\[=+> +\] 25\/50 {2}loss 0\.06458 {2}\S+ (ms|s)\/step {2}eta \d+:\d\d$/);
    expect(status.every((line) => line.length < 80 + 4)).toBe(true);
    expect(text.filter((line) => line.includes('iter: '))).toHaveLength(1);
    expect(text.at(-1)).toBe('\r\u001b[K');
  });

  it('reads lazy scalars, also those whose value takes time', async () => {
    let reads = 0;
    const step = ({ iteration }: { iteration: number }) => ({
      read: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        reads++;
        return iteration;
      },
    });
    await trainer({ ...filesOnly }, { step }).train();
    expect((await lines()).map(({ total_loss }) => total_loss)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(reads).toBe(50);
  });

  it('offers its batches to writers of others, as objects and as plugins', async () => {
    const log: string[] = [];
    const count = ({ scalars }: WriteBatch) => scalars.filter(({ name }) => name === 'total_loss').length;
    const mine: Writer = {
      name: 'mine',
      open: ({ startIteration, maxIterations }) => void log.push(`open ${startIteration} ${maxIterations}`),
      write: (batch) => void log.push(`write ${batch.iteration} ${count(batch)}`),
      close: () => void log.push('close'),
    };
    let tapped = 0;
    const other = definePlugin({
      name: 'other-writer',
      version: '1.0.0',
      before: ['writing'],
      requires: { writers: writersHooks },
      setup: ({ writers: { write } }) => write.tap((batch) => void (tapped += count(batch))),
    })();
    await trainer({ ...filesOnly, json: false, writers: [mine] }, {}, [other]).train();
    expect(log).toEqual(['open 0 50', 'write 19 20', 'write 39 20', 'write 49 10', 'close']);
    expect(tapped).toBe(50);
  });

  it('ends the training with an error that names writer and file, once, and serves the other writers', async () => {
    await mkdir(join(dir, 'metrics.json'));
    const blocked = trainer({ ...filesOnly });
    await expect(blocked.train()).rejects.toThrow(/writer "json" of .*metrics\.json: cannot open/);

    const seen: number[] = [];
    const full: Writer = {
      name: 'full',
      target: '/disk/full.log',
      write: () => Promise.reject(new Error('ENOSPC: no space left')),
    };
    const fine: Writer = { name: 'fine', write: ({ iteration }) => void seen.push(iteration) };
    const error: unknown = await trainer({ ...filesOnly, json: false, writers: [full, fine] })
      .train()
      .catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(/writer "full" of \/disk\/full\.log: cannot write: ENOSPC.*iteration 19/);
    expect(error).not.toBeInstanceOf(AggregateError);
    expect(seen).toEqual([19]);
  });

  it('trains on without a failing writer when told so, with one warning', async () => {
    const { text, logger } = recorder();
    const full: Writer = { name: 'full', write: () => Promise.reject(new Error('ENOSPC')) };
    await trainer({ ...filesOnly, json: false, writers: [full], onError: 'warn' }, { logger }).train();
    expect(text).toHaveLength(1);
    expect(text[0]).toMatch(
      /^warning: @hookline\/plugin-writers: .*writer "full": cannot write: ENOSPC \(iteration 19\)/,
    );
  });

  it('refuses options that are wrong, and suggests names', async () => {
    await expect(trainer({ perod: 3 } as never).prepare()).rejects.toThrow(/no option "perod".*period/);
    await expect(trainer({ period: 0 }).prepare()).rejects.toThrow(/period/);
    await expect(trainer({ writers: [{}] } as never).prepare()).rejects.toThrow(/must be a writer/);
  });
});
