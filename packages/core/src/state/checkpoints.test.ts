import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { TrainerBase } from '../engine/trainer-base.ts';
import { definePlugin } from '../plugin/define-plugin.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { ConsoleLogger } from '../services/logger.ts';
import type { CheckpointBuilder, CheckpointView } from './checkpoint-view.ts';

const logger = new ConsoleLogger({ level: 'silent' });
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hookline-checkpoints-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

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
    expect(lines).toEqual([line('odd'), line('other')]);
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
