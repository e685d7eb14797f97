import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainerBase } from '../engine/trainer-base.ts';
import { definePlugin } from '../plugin/define-plugin.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { checkpointsRef, randomRef, storageRef } from '../services/core-services.ts';
import { ConsoleLogger } from '../services/logger.ts';

const logger = new ConsoleLogger({ level: 'silent' });
let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

/** Stands for a model: a tensor that every step changes by a random number, beside a count kept as plugin state. */
function walker({ saves = false } = {}) {
  const weights = Float32Array.of(0);
  let steps = 0;
  const plugin = definePlugin({
    name: 'walker',
    version: '1.0.0',
    requires: { storage: storageRef, random: randomRef, checkpoints: checkpointsRef },
    setup({ hooks, storage, random, checkpoints }) {
      hooks.afterStep.tap(async ({ iteration }) => {
        weights[0]! += random.normal();
        storage.putScalar('walk', weights[0]!);
        steps++;
        if (saves && iteration === 2) await checkpoints.save('mid');
      });
      hooks.saveState.tap((checkpoint) =>
        checkpoint.setTensor('model/w', { dtype: 'float32', shape: [1], data: weights.slice() }),
      );
      hooks.loadState.tap(({ tensors }) => weights.set(tensors.get('model/w')?.data as Float32Array));
      return { state: { save: () => steps, load: (saved) => void (steps = Number(saved)) } };
    },
  })();
  return { plugin, look: () => ({ weight: weights[0], steps }) };
}

/** Comes last and refuses what `accepts` does not accept. */
const picky = (accepts: (data: unknown) => boolean, version = '1.0.0'): Plugin =>
  definePlugin({
    name: 'picky',
    version,
    setup: () => ({
      state: {
        save: () => `of ${version}`,
        load: (data) => {
          if (!accepts(data)) throw new Error(`${JSON.stringify(data)} is not what it was`);
        },
      },
    }),
  })();

const make = (plugins: readonly Plugin[], maxIterations = 6) =>
  new TrainerBase({ step: () => 1, maxIterations, plugins, output: dir, seed: 3, logger });
const file = () => join(dir, 'mid.safetensors');
const anything = () => true;

async function saveOne(): Promise<void> {
  await make([walker({ saves: true }).plugin, picky(anything)]).train();
}

describe("a checkpoint that a plugin's state.load refuses", () => {
  it('changes nothing: neither weights, states, streams nor histories, and training goes on as if it had not been', async () => {
    await saveOne();
    const [other, untouched] = [walker(), walker()];
    const trainer = make([other.plugin, picky((data) => data === 'of 2.0.0', '2.0.0')]);
    await expect(trainer.load(file())).rejects.toThrow(
      `[HKL_STATE_LOAD_FAILED] picky: its state in ${file()} cannot be loaded (version 1.0.0 saved it, this is version 2.0.0): "of 1.0.0" is not what it was (state.load). Resume with the plugin's version`,
    );
    expect(other.look()).toEqual({ weight: 0, steps: 0 });
    expect(trainer.iteration).toBe(0);
    expect(trainer.storage.names()).toEqual([]);
    await trainer.train();
    const plain = make([untouched.plugin, picky(anything)]);
    await plain.train();
    expect(other.look()).toEqual(untouched.look());
    expect(trainer.storage.history('walk').values()).toEqual(plain.storage.history('walk').values());
  });

  it('does not cost what was trained before, histories beyond what a checkpoint keeps included', async () => {
    await saveOne();
    const other = walker();
    const trainer = make([other.plugin, picky((data) => data === 'of 2.0.0', '2.0.0')], 1200);
    await trainer.train();
    const before = { ...other.look(), walk: trainer.storage.history('walk').values() };
    expect(before.walk).toHaveLength(1200);
    await expect(trainer.load(file())).rejects.toMatchObject({ code: 'HKL_STATE_LOAD_FAILED' });
    expect({ ...other.look(), walk: trainer.storage.history('walk').values() }).toEqual(before);
    expect(await trainer.train({ maxIterations: 1203 })).toMatchObject({ status: 'completed' });
  });

  it('leaves a trainer that refuses to go on where nothing can be brought back, until a load succeeds', async () => {
    await saveOne();
    const other = walker();
    let isBroken = true;
    const trainer = make([other.plugin, picky(() => !isBroken)]);
    await expect(trainer.load(file())).rejects.toMatchObject({ code: 'HKL_STATE_LOAD_FAILED', who: 'picky' });
    const names = await readdir(dir);
    for (const attempt of [() => trainer.train(), () => trainer.evaluate(), () => trainer.checkpoints.save('bad')]) {
      await expect(attempt()).rejects.toThrow(
        /^\[HKL_HALF_LOADED\] trainer: .*mid\.safetensors could be loaded only in part \(\[HKL_STATE_LOAD_FAILED\] picky: .*and what was there before could not be brought back: .* Make a new trainer, or load a checkpoint that fits as a whole\.$/,
      );
    }
    expect(await readdir(dir)).toEqual(names);
    isBroken = false;
    await trainer.load(file());
    expect(await trainer.train()).toMatchObject({ status: 'completed', iteration: 6 });
  });

  it('is not made worse by a plugin that cannot save yet', async () => {
    await saveOne();
    const early = definePlugin({
      name: 'early',
      version: '1.0.0',
      setup({ hooks }) {
        let lines: string[] | undefined;
        hooks.beforeTrain.tap(() => void (lines = []));
        return { state: { save: () => (lines as string[]).length, load: () => undefined } };
      },
    });
    const trainer = make([walker().plugin, early()]);
    await trainer.load(file(), { allowMismatch: ['early', 'picky'] });
    expect(trainer.iteration).toBe(3);
    const other = make([walker().plugin, early(), picky((data) => data === 'of 2.0.0', '2.0.0')]);
    await expect(other.load(file(), { allowMismatch: ['early'] })).rejects.toMatchObject({
      code: 'HKL_STATE_LOAD_FAILED',
    });
    await expect(other.train()).rejects.toThrow(
      /HKL_HALF_LOADED.*\[HKL_STATE_SAVE_FAILED\] early: its state cannot be saved: /,
    );
  });
});

describe('the state of a plugin', () => {
  it.each<[string, object, string]>([
    ['save', { save: async () => 1, load: () => undefined }, 'HKL_STATE_SAVE_FAILED'],
    ['load', { save: () => 1, load: async () => Promise.reject(new Error('late')) }, 'HKL_STATE_LOAD_FAILED'],
  ])('whose %s is async is an error that names it', async (name, state, code) => {
    const odd = definePlugin({ name: 'odd', version: '1.0.0', setup: () => ({ state: state as never }) });
    const attempt = async () => {
      const trainer = make([odd()]);
      await trainer.prepare();
      await trainer.load(await trainer.checkpoints.save('x'));
    };
    await expect(attempt()).rejects.toThrow(`[${code}] odd: `);
    await expect(attempt()).rejects.toThrow(`${name} is async, and nobody awaits it`);
  });

  it('tells the taps of saveState whether a file is written', async () => {
    const purposes: string[] = [];
    const spy = definePlugin({
      name: 'spy',
      version: '1.0.0',
      setup: ({ hooks }) => hooks.saveState.tap(({ purpose }) => void purposes.push(purpose)),
    });
    const trainer = make([spy()]);
    await trainer.prepare();
    await trainer.load(await trainer.checkpoints.save('x'));
    expect(purposes).toEqual(['file', 'undo']);
  });
});
