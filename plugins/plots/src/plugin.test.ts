import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointsRef, ConsoleLogger, definePlugin, storageRef, TrainerBase } from '@hookline/core';
import { plots } from './index.ts';

const logger = new ConsoleLogger({ level: 'silent' });

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});
afterEach(async () => {
  if (process.env['HOOKLINE_KEEP_PLOTS'] !== undefined && (await readdir(dir)).includes('curves.svg'))
    await writeFile(process.env['HOOKLINE_KEEP_PLOTS'], await readFile(join(dir, 'curves.svg')));
});

const wave = (i: number) => Math.sin(i * 12.9898) * 0.5 + Math.sin(i * 78.233) * 0.5;

/** Stores the scalars that a real training stores. */
const metrics = definePlugin({
  name: 'metrics',
  version: '1.0.0',
  provides: ['metrics'],
  requires: { storage: storageRef, checkpoints: checkpointsRef },
  setup({ hooks, storage, checkpoints }) {
    hooks.afterStep.tap(async ({ iteration, maxIterations }) => {
      const done = iteration / maxIterations;
      storage.putScalar('time', 0.012 * (1 + 0.2 * wave(iteration)));
      storage.putScalar('data_time', 0.0004 * (1 + 0.5 * wave(iteration + 7)));
      storage.putScalar('lr', 0.05 * (1 + Math.cos(Math.PI * done)), { smoothing: false });
      storage.putScalar('[metric]grad_norm', 2 + wave(iteration + 3));
      if ((iteration + 1) % 100 === 0) {
        storage.putScalar('test/accuracy', 1 - 0.9 * Math.exp(-done * 6), { smoothing: false });
        storage.putScalar('test/top-5 <&>', 1 - 0.5 * Math.exp(-done * 6), { smoothing: false });
        await checkpoints.save('last');
      }
    });
  },
});

const losses = ({ iteration }: { iteration: number }) => ({
  loss_cls: 2.3 * Math.exp(-iteration / 180) * (1 + 0.3 * wave(iteration)) + 0.004,
  loss_box: 0.8 * Math.exp(-iteration / 300) * (1 + 0.2 * wave(iteration + 1)) + 0.01,
});
const trainer = (
  step: (s: { iteration: number }) => Record<string, number> | number,
  maxIterations: number,
  options = {},
) => new TrainerBase({ step, maxIterations, output: dir, logger, plugins: [metrics(), plots(options)] });
const svg = () => readFile(join(dir, 'curves.svg'), 'utf8');

describe('plots', () => {
  it('has the version of its package', async () => {
    const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as object;
    expect(manifest).toMatchObject({ name: plots.definition.name, version: plots.definition.version });
  });

  it('draws a panel per group with its curves, last values and safe text', async () => {
    await trainer(losses, 2000).train();
    const text = await svg();
    for (const title of ['Losses', 'Metrics', 'test', 'Learning rate', 'Time, ms per step'])
      expect(text).toContain(`>${title}</tspan>`);
    for (const label of ['total_loss', 'loss_cls', 'grad_norm', 'top-5 &lt;&amp;&gt;']) expect(text).toContain(label);
    expect(text).toContain('2000 of 2000 iterations');
    expect(text).toContain('log scale');
    expect(text).not.toMatch(/NaN|Infinity|undefined/);
    expect(await readdir(dir)).not.toContainEqual(expect.stringContaining('.tmp'));
    // Bounded: 9 curves of at most 512 points, three numbers pairs each.
    expect(text.length).toBeLessThan(200_000);
  });

  it('is drawn at the period as well, and after an error', async () => {
    const seen: string[] = [];
    const failing = trainer(
      ({ iteration }) => {
        if (iteration === 25) throw new Error('broken');
        return 1;
      },
      100,
      { period: 10 },
    );
    const watch = definePlugin({
      name: 'watch',
      version: '1.0.0',
      after: ['writing'],
      setup: ({ hooks }) =>
        hooks.afterStep.tap(async ({ iteration }) => {
          if (iteration === 9) seen.push(await svg());
        }),
    });
    const watched = new TrainerBase({
      step: () => 1,
      maxIterations: 12,
      output: dir,
      logger,
      plugins: [plots({ period: 10 }), watch()],
    });
    await watched.train();
    expect(seen[0]).toContain('10 of 12 iterations');
    await expect(failing.train()).rejects.toThrow(/broken/);
    expect(await svg()).toContain('25 of 100 iterations');
  });

  it('keeps its curves across a resume: the picture is the same as without', async () => {
    // A power of two, so that sums come out the same in any order.
    const step = ({ iteration }: { iteration: number }) => 1 / 2 ** (iteration % 7);
    await trainer(step, 400).train();
    const whole = await svg();
    await rm(dir, { recursive: true });
    await trainer(step, 400).train({ maxIterations: 200 });
    const resumed = trainer(step, 400);
    await resumed.resumeOrLoad();
    expect(resumed.iteration).toBe(200);
    await resumed.train();
    // The learning rate and accuracies of the test depend on the planned end, the loss does not.
    const loss = (text: string) => /<polyline points="([^"]*)"/.exec(text)?.[1];
    expect(loss(await svg())).toBe(loss(whole));
    expect(loss(whole)?.length).toBeGreaterThan(1000);
  });

  it('draws even when there is nothing, or nothing finite', async () => {
    await new TrainerBase({
      step: () => 1,
      maxIterations: 1,
      output: dir,
      logger,
      plugins: [plots({ exclude: ['total_loss'] })],
    }).train();
    expect(await svg()).toContain('no values yet');
    await new TrainerBase({ step: () => 1, maxIterations: 1, output: dir, logger, plugins: [plots()] }).train();
    expect(await svg()).toContain('total_loss');
  });

  it('says which file it cannot write', async () => {
    await writeFile(join(dir, 'curves.svg'), '');
    await rm(join(dir, 'curves.svg'));
    const { mkdir } = await import('node:fs/promises');
    await mkdir(join(dir, 'curves.svg', 'full'), { recursive: true });
    await expect(trainer(losses, 3).train()).rejects.toThrow(/cannot write .*curves\.svg/);
  });
});
