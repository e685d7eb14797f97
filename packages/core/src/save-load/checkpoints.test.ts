import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { TrainerBase } from '../engine/trainer-base.ts';
import { definePlugin } from '../plugin/define-plugin.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { checkpointsRef } from '../services/core-services.ts';
import { ConsoleLogger } from '../services/logger.ts';
import type { CheckpointBuilder, CheckpointView } from '../checkpoint/checkpoint.ts';

const logger = new ConsoleLogger({ level: 'silent' });
let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

const keeper = (
  name: string,
  save: (checkpoint: CheckpointBuilder) => void,
  load: (checkpoint: CheckpointView) => void = () => undefined,
): Plugin =>
  definePlugin({
    name,
    version: '1.0.0',
    setup({ hooks }) {
      hooks.saveState.tap(save);
      hooks.loadState.tap(load);
    },
  })();

async function prepared(...plugins: Plugin[]) {
  const trainer = new TrainerBase({ step: () => 1, maxIterations: 3, plugins, output: dir, logger });
  await trainer.prepare();
  return trainer;
}

describe('checkpoints', () => {
  it('saves under a plain name, tags it as the one to resume from unless told otherwise, and lists all', async () => {
    const { checkpoints } = await prepared();
    expect(await checkpoints.latest()).toBeUndefined();
    await checkpoints.save('model_0000009');
    await checkpoints.save('model_best', { tag: false });
    expect(await readFile(join(dir, 'last_checkpoint'), 'utf8')).toBe('model_0000009.safetensors');
    expect(await checkpoints.latest()).toBe(join(dir, 'model_0000009.safetensors'));
    expect((await checkpoints.list()).map((path) => basename(path))).toEqual([
      'model_0000009.safetensors',
      'model_best.safetensors',
    ]);
  });

  it.each([
    ['numbers', (numbers: Float32Array<ArrayBuffer>) => numbers],
    [
      'a part of a buffer',
      (numbers: Float32Array<ArrayBuffer>) => Float32Array.of(NaN, ...numbers, NaN).subarray(1, -1),
    ],
    [
      'raw bytes from an odd position on',
      (numbers: Float32Array<ArrayBuffer>) => {
        const bytes = new Uint8Array(numbers.byteLength + 1).subarray(1);
        bytes.set(new Uint8Array(numbers.buffer));
        return bytes;
      },
    ],
  ])('refuse weights that are not finite where that is asked for: %s', async (_, dataOf) => {
    let value = 1;
    const { checkpoints } = await prepared(
      keeper('weights', (checkpoint) =>
        checkpoint.setTensor('model/w', { dtype: 'float32', shape: [2], data: dataOf(Float32Array.of(value, 2)) }),
      ),
    );
    await checkpoints.save('fine', { finite: true });
    value = Infinity;
    await checkpoints.save('any');
    await expect(checkpoints.save('bad', { finite: true })).rejects.toThrow(/HKL_WEIGHTS_NOT_FINITE.*model\/w/);
  });

  it.each<[string, () => Promise<number>]>([
    [
      'at once',
      () => {
        throw new Error('device lost');
      },
    ],
    ['later', () => Promise.reject(new Error('device lost'))],
  ])('are saved also where scalars cannot be read %s, which is told', async (_, read) => {
    const lines: string[] = [];
    const told = Object.assign(new ConsoleLogger({ level: 'silent' }), {
      warn: (line: string) => void lines.push(line),
    });
    const trainer = new TrainerBase({ step: () => 1, maxIterations: 3, output: dir, logger: told });
    await trainer.prepare();
    for (const name of ['odd', 'other']) trainer.storage.putScalar(name, { read });
    trainer.storage.putScalar('even', 2);
    const file = await trainer.checkpoints.save('some');
    const line = (name: string): unknown =>
      expect.stringMatching(
        new RegExp(
          `scalar "${name}": the checkpoint is saved without the value put at iteration 0, which cannot be read: device lost$`,
        ),
      );
    expect(lines.slice(0, 2)).toEqual([line('odd'), line('other')]);
    await trainer.load(file);
    expect([...trainer.storage.latest()]).toEqual([['even', { value: 2, iteration: 0 }]]);
  });

  it.each(['', 'a/b', '../a', '.hidden'])('refuses the name %j', async (name) => {
    const { checkpoints } = await prepared();
    await expect(checkpoints.save(name)).rejects.toMatchObject({ code: 'HKL_CHECKPOINT_NAME' });
    expect(await readdir(dir)).toEqual([]);
  });

  it('refuses two owners of one key or tensor, and writes nothing then', async () => {
    const tensor = { dtype: 'float32', shape: [1], data: Float32Array.of(1) } as const;
    const trainers = [
      await prepared(
        keeper('a', (checkpoint) => checkpoint.set('mine', 1)),
        keeper('b', (checkpoint) => checkpoint.set('mine', 2)),
      ),
      await prepared(
        keeper('a', (checkpoint) => checkpoint.setTensor('t', tensor)),
        keeper('b', (checkpoint) => checkpoint.setTensor('t', tensor)),
      ),
    ];
    for (const { checkpoints } of trainers) {
      await expect(checkpoints.save('x')).rejects.toMatchObject({
        plugin: 'b',
        cause: { code: 'HKL_STATE_DUPLICATE' },
      });
    }
    expect(await readdir(dir)).toEqual([]);
  });

  it('gives each owner what it put, with its version, and says what is loaded', async () => {
    const seen: unknown[] = [];
    const trainer = await prepared(
      keeper(
        'a',
        (checkpoint) => checkpoint.set('mine', { at: checkpoint.iteration }, 4),
        ({ get, iteration, scope }) => void seen.push(get('mine'), get('other'), get('__proto__'), iteration, scope),
      ),
    );
    const path = await trainer.checkpoints.save('x');
    await trainer.load(path, 'weights');
    expect(seen).toEqual([{ data: { at: 0 }, version: 4 }, undefined, undefined, 0, 'weights']);
  });
});

describe('a trainer of which nobody takes weights', () => {
  const lines: string[] = [];
  const told = new ConsoleLogger({ live: false, stream: { write: (text) => lines.push(text) } });
  beforeEach(() => void (lines.length = 0));
  const saver = (): Plugin =>
    definePlugin({
      name: 'saver',
      version: '1.0.0',
      requires: { checkpoints: checkpointsRef },
      setup({ hooks, checkpoints }) {
        hooks.afterStep.tap(async () => void (await checkpoints.save('each')));
      },
    })();
  const trainerWith = (...plugins: Plugin[]) =>
    new TrainerBase({ step: () => 1, maxIterations: 2, plugins, output: dir, logger: told });

  it('says so before the first step where a plugin saves checkpoints, once, and how to add them', async () => {
    const seen: number[] = [];
    const trainer = new TrainerBase({
      step: () => seen.push(lines.length),
      maxIterations: 2,
      plugins: [saver()],
      output: dir,
      logger: told,
    });
    await trainer.train();
    expect(seen).toEqual([1, 1]);
    expect(lines).toEqual([
      expect.stringMatching(/^warning: the checkpoints of this trainer hold no weights.* List savedParts\(\{ net: /),
    ]);
  });

  it('says so when it is saved by hand, and nothing where nothing is saved', async () => {
    const trainer = trainerWith();
    await trainer.train();
    expect(lines).toEqual([]);
    await trainer.prepare();
    await trainer.checkpoints.save('by-hand');
    await trainer.checkpoints.save('again');
    expect(lines).toHaveLength(1);
  });

  it('says nothing where a plugin saves and loads by itself, or has a state that the run depends on', async () => {
    const table = keeper('table', (checkpoint) => checkpoint.set('table', [1, 2]));
    await trainerWith(saver(), table).train();
    const stateful = (optional: boolean): Plugin =>
      definePlugin({
        name: 'stateful',
        version: '1.0.0',
        setup: () => ({ state: { optional, save: () => [1, 2], load: () => undefined } }),
      })();
    await trainerWith(saver(), stateful(false)).train();
    expect(lines).toEqual([]);
    await trainerWith(saver(), stateful(true)).train();
    expect(lines).toHaveLength(1);
  });

  it('refuses to begin from the weights of a checkpoint, which would load nothing', async () => {
    const trainer = trainerWith(saver());
    await trainer.train();
    const file = join(dir, 'each.safetensors');
    await expect(trainerWith().load(file, 'weights')).rejects.toMatchObject({ code: 'HKL_WEIGHTS_NONE', who: 'load' });
    await expect(trainerWith().load(file)).resolves.toBeUndefined();
  });
});
