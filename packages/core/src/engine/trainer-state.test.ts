import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provide } from '../container/provider.ts';
import { defineHooks, defineService } from '../container/service-ref.ts';
import { asyncSeries } from '../hooks/hook-spec.ts';
import type { Outcome } from '../hooks/hook-table.ts';
import { definePlugin } from '../plugin/define-plugin.ts';
import { checkpointsRef, randomRef, storageRef } from '../services/core-services.ts';
import { ConsoleLogger } from '../services/logger.ts';
import { falling, scribe, silent as logger } from './scribe.test.support.ts';
import { TrainerBase } from './trainer-base.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hookline-core-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('services and hooks of others', () => {
  it('resolves services that plugins and users provide, and hooks that plugins add', async () => {
    const greeting = defineService<string>('greeting', { description: 'a word' });
    const ticks = defineHooks('ticker', { tick: asyncSeries<[n: number]>(['n'], 'each step') });
    const ticker = definePlugin({
      name: 'ticker',
      version: '1.0.0',
      hooks: ticks,
      setup({ hooks, own }) {
        hooks.afterStep.tap(({ iteration }) => own.tick.call(iteration));
      },
    });
    const heard: string[] = [];
    const listener = definePlugin({
      name: 'listener',
      version: '1.0.0',
      requires: { greeting, ticks },
      setup({ greeting: word, ticks: { tick } }) {
        tick.tap((n) => void heard.push(`${word} ${n}`));
      },
    });
    const services = [provide(greeting, () => 'tick')];
    await new TrainerBase({
      step: falling,
      maxIterations: 2,
      plugins: [listener(), ticker()],
      services,
      logger,
    }).train();
    expect(heard).toEqual(['tick 0', 'tick 1']);
    const without = new TrainerBase({ step: falling, maxIterations: 2, plugins: [listener()], services, logger });
    await expect(without.train()).rejects.toThrow(
      /\[HKL_HOOKS_MISSING\] listener: no plugin here owns the hooks "ticker"/,
    );
  });

  it('describes plugins, hooks and services as plain data', async () => {
    const trainer = new TrainerBase({ step: falling, maxIterations: 1, plugins: [scribe([])], logger });
    const description = await trainer.describe();
    expect(description.plugins).toMatchObject([
      {
        id: 'scribe',
        position: 1,
        addedBy: 'you',
        taps: ['beforeTrain', 'beforeStep', 'afterStep', 'afterTrain'],
        requires: ['storage', 'control', 'trainer'],
      },
    ]);
    expect(description.hooks.find(({ name }) => name === 'gradients')).toMatchObject({
      kind: 'SyncWaterfall',
      taps: [],
    });
    expect(JSON.parse(JSON.stringify(description)).services).toContainEqual(
      expect.objectContaining({ id: 'stepRunner', providedBy: 'trainer' }),
    );
  });
});

describe('state', () => {
  const walker = () =>
    definePlugin({
      name: 'walker',
      version: '1.0.0',
      requires: { storage: storageRef, random: randomRef },
      setup({ hooks, storage, random }) {
        let sum = 0;
        hooks.afterStep.tap(() => storage.putScalar('walk', (sum += random.normal())));
        return { state: { version: 3, save: () => sum, load: (data) => void (sum = Number(data)) } };
      },
    })();
  const saver = (at: number) =>
    definePlugin({
      name: 'saver',
      version: '1.0.0',
      requires: { checkpoints: checkpointsRef },
      setup({ hooks, checkpoints }) {
        hooks.afterStep.tap(async ({ iteration }) => void (iteration === at && (await checkpoints.save('halfway'))));
      },
    })();

  it('resumes iteration, streams, plugin state and histories exactly', async () => {
    const whole = new TrainerBase({
      step: falling,
      maxIterations: 10,
      seed: 7,
      plugins: [walker(), saver(4)],
      output: dir,
      logger,
    });
    await whole.train();
    const resumed = new TrainerBase({
      step: falling,
      maxIterations: 10,
      seed: 99,
      plugins: [walker(), saver(-1)],
      output: dir,
      logger,
    });
    expect(await resumed.resumeOrLoad()).toBe(join(dir, 'halfway.safetensors'));
    expect(resumed.iteration).toBe(5);
    await resumed.train();
    expect(resumed.storage.history('walk').values()).toEqual(whole.storage.history('walk').values());
  });

  it('says which state is missing or left over', async () => {
    await new TrainerBase({
      step: falling,
      maxIterations: 1,
      plugins: [walker(), saver(0)],
      output: dir,
      logger,
    }).train();
    const lines: string[] = [];
    const talkative = new ConsoleLogger({ stream: { write: (text) => lines.push(text) } });
    const other = new TrainerBase({ step: falling, maxIterations: 2, plugins: [], output: dir, logger: talkative });
    await other.resumeOrLoad();
    expect(lines.join('')).toMatch(/the state of walker in .*halfway\.safetensors is ignored: no such plugin here/);
    await other.checkpoints.save('without');
    lines.length = 0;
    const lacking = new TrainerBase({
      step: falling,
      maxIterations: 2,
      plugins: [walker()],
      output: dir,
      logger: talkative,
    });
    await lacking.load(join(dir, 'without.safetensors'));
    expect(lines.join('')).toMatch(/walker starts afresh: .*without\.safetensors holds no state of it/);
  });

  it('begins anew with weights only, or when there is nothing to resume', async () => {
    const trainer = new TrainerBase({ step: falling, maxIterations: 2, plugins: [saver(0)], output: dir, logger });
    expect(await trainer.resumeOrLoad()).toBeUndefined();
    await trainer.train();
    const next = new TrainerBase({ step: falling, maxIterations: 2, output: dir, logger });
    await next.resumeOrLoad({ resume: false, weights: join(dir, 'halfway.safetensors') });
    expect(next.iteration).toBe(0);
  });

  it('finds out before the first step that the output folder cannot be written', async () => {
    await writeFile(join(dir, 'file'), 'in the way');
    let steps = 0;
    const trainer = new TrainerBase({
      step: () => ++steps,
      maxIterations: 2,
      plugins: [saver(0)],
      output: join(dir, 'file', 'run'),
      logger,
    });
    await expect(trainer.train()).rejects.toMatchObject({ code: 'HKL_OUTPUT_UNWRITABLE' });
    expect(steps).toBe(0);
  });

  it('leaves a checkpoint and the trainer alone when a file is no checkpoint', async () => {
    await writeFile(join(dir, 'foreign.safetensors'), 'not a checkpoint');
    const trainer = new TrainerBase({ step: falling, maxIterations: 2, plugins: [walker()], output: dir, logger });
    await expect(trainer.load(join(dir, 'foreign.safetensors'))).rejects.toMatchObject({
      code: expect.stringMatching(/^HKL_/),
    });
    expect(trainer.iteration).toBe(0);
    expect(((await trainer.train()) satisfies Outcome).status).toBe('completed');
    expect(await readFile(join(dir, 'foreign.safetensors'), 'utf8')).toBe('not a checkpoint');
  });
});
