import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
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
beforeEach(() => {
  dir = temporaryFolder();
});

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

  it('refuses state that is missing or left over unless told otherwise, and says how', async () => {
    const options = { step: falling, maxIterations: 2, output: dir };
    await new TrainerBase({ ...options, maxIterations: 1, plugins: [walker(), saver(0)], logger }).train();
    const lines: string[] = [];
    const talkative = new ConsoleLogger({ stream: { write: (text) => lines.push(text) } });
    const other = new TrainerBase({ ...options, logger: talkative });
    await expect(other.resumeOrLoad()).rejects.toThrow(
      /\[HKL_STATE_LEFT_OVER\] .*halfway\.safetensors: it holds state of walker, and this trainer has nothing that takes it \(entry hookline\/plugins\)\. .* to drop what is left over, with --allow-mismatch walker \(in code: allowMismatch: \['walker'\]\)/,
    );
    expect(other.iteration).toBe(0);
    expect(other.storage.names()).toEqual([]);
    await other.resumeOrLoad({ allowMismatch: ['walker'] });
    expect(lines.join('')).toMatch(/the state of walker in .*halfway\.safetensors is ignored: no such plugin here/);
    await other.checkpoints.save('without');
    lines.length = 0;
    const lacking = new TrainerBase({ ...options, plugins: [walker()], logger: talkative });
    await expect(lacking.load(join(dir, 'without.safetensors'))).rejects.toThrow(
      /\[HKL_STATE_MISSING\] .*: it holds no state of walker .* to add what is missing with a fresh state, with --allow-mismatch walker/,
    );
    await lacking.load(join(dir, 'without.safetensors'), { allowMismatch: ['walker'] });
    expect(lines.join('')).toMatch(/walker starts afresh: .*without\.safetensors holds no state of it/);
  });

  it('tells what was asked for otherwise than it was saved: seed, end and options of plugins', async () => {
    const timed = definePlugin({
      name: 'timed',
      version: '1.0.0',
      options: z.strictObject({ period: z.number(), how: z.object({ names: z.array(z.string()) }), fn: z.any() }),
      setup: () => undefined,
    });
    const given = (period: number) => [timed({ period, how: { names: ['a'] }, fn: () => period }), saver(0)];
    const options = { step: falling, output: dir };
    await new TrainerBase({ ...options, maxIterations: 1, seed: 7, plugins: given(5), logger }).train();
    const lines: string[] = [];
    const talkative = new ConsoleLogger({ stream: { write: (text) => lines.push(text) } });
    const load = async (seed: number, maxIterations: number, period: number) => {
      lines.length = 0;
      await new TrainerBase({
        ...options,
        maxIterations,
        seed,
        plugins: given(period),
        logger: talkative,
      }).resumeOrLoad();
      return lines.map((line) => line.trim().replaceAll(dir, ''));
    };
    expect(await load(7, 1, 5)).toEqual([]);
    // To predict and evaluate, none of it matters.
    lines.length = 0;
    const evaluating = new TrainerBase({
      ...options,
      maxIterations: 2,
      seed: 9,
      plugins: given(6),
      logger: talkative,
    });
    await evaluating.load(join(dir, 'halfway.safetensors'), 'inference');
    expect([evaluating.iteration, ...lines]).toEqual([1]);
    expect(await load(9, 2, 6)).toEqual([
      expect.stringContaining('the run goes on with seed 7 of /halfway.safetensors; seed 9 is for new runs'),
      expect.stringContaining('differs from /halfway.safetensors: maxIterations is 2, it was 1'),
      expect.stringContaining('differs from /halfway.safetensors: timed.period is 6, it was 5'),
    ]);
  });

  it('refuses a misspelt name of what may differ, and a scope that there is not', async () => {
    const trainer = new TrainerBase({
      step: falling,
      maxIterations: 1,
      plugins: [walker(), saver(0)],
      output: dir,
      logger,
    });
    await trainer.train();
    await expect(trainer.resumeOrLoad({ allowMismatch: ['walkr'] })).rejects.toThrow(
      /\[HKL_OPTION_INVALID\] option allowMismatch: "walkr" is neither here nor in .*Did you mean "walker"\?/,
    );
    await expect(trainer.load('x', 'weight' as never)).rejects.toThrow(/HKL_OPTION_INVALID.*no scope "weight"/);
    await expect(trainer.load('x', { allow: ['walker'] } as never)).rejects.toThrow(/HKL_OPTION_UNKNOWN/);
  });

  it('begins anew with weights only, or when there is nothing to resume', async () => {
    const trainer = new TrainerBase({ step: falling, maxIterations: 2, plugins: [saver(0)], output: dir, logger });
    expect(await trainer.resumeOrLoad()).toBeUndefined();
    await trainer.train();
    const scopes: string[] = [];
    const taker = definePlugin({
      name: 'taker',
      version: '1.0.0',
      setup({ hooks }) {
        hooks.loadState.tap(({ scope }) => void scopes.push(scope));
      },
    });
    const next = new TrainerBase({ step: falling, maxIterations: 2, plugins: [taker()], output: dir, logger });
    await next.resumeOrLoad({ resume: false, weights: join(dir, 'halfway.safetensors') });
    expect(next.iteration).toBe(0);
    expect(scopes).toEqual(['weights']);
    await writeFile(join(dir, 'other.bin'), 'weights of another program');
    await expect(next.load(join(dir, 'other.bin'), 'weights')).rejects.toThrow(/HKL_CHECKPOINT_FOREIGN/);
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

it('keeps the states of plugins where setting up a later one fails', async () => {
  let fails = false;
  const counter = definePlugin({
    name: 'counter',
    version: '1.0.0',
    setup({ hooks }) {
      let count = 0;
      hooks.afterStep.tap(() => void count++);
      return {
        state: { save: () => count, load: (saved) => void (count = Number(saved)) },
        dispose: () => void counts.push(count),
      };
    },
  });
  const clumsy = definePlugin({
    name: 'clumsy',
    version: '1.0.0',
    setup() {
      if (fails) throw new Error('not now');
    },
  });
  const counts: number[] = [];
  const trainer = new TrainerBase({ step: falling, maxIterations: 2, plugins: [counter(), clumsy()], logger });
  await trainer.train();
  fails = true;
  await expect(trainer.train({ maxIterations: 4 })).rejects.toThrow('not now');
  fails = false;
  await trainer.train({ maxIterations: 4 });
  expect(counts).toEqual([2, 0, 4]);
});
