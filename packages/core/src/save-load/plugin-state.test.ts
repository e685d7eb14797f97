import { z } from 'zod';
import { readCheckpoint, writeCheckpoint } from '../checkpoint/checkpoint-file.ts';
import { TrainerBase } from '../engine/trainer-base.ts';
import type { JsonValue } from '../json.ts';
import { defineState, type PluginState } from '../plugin/define-state.ts';
import { definePlugin } from '../plugin/define-plugin.ts';
import { ConsoleLogger } from '../services/logger.ts';

const logger = new ConsoleLogger({ level: 'silent' });
let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

const trainerWith = (...states: PluginState[]) =>
  new TrainerBase({
    step: () => 1,
    maxIterations: 1,
    output: dir,
    logger,
    plugins: states.map((state, i) => definePlugin({ name: `p${i}`, version: '1.0.0', setup: () => ({ state }) })()),
  });

async function saved(...states: PluginState[]): Promise<string> {
  const trainer = trainerWith(...states);
  await trainer.prepare();
  return trainer.checkpoints.save('x');
}

const counter = (loaded: unknown[] = []) =>
  defineState({
    version: 2,
    schema: z.object({ count: z.int().min(0), best: z.object({ value: z.number() }).nullable() }),
    save: () => ({ count: 3, best: { value: 1 } }),
    migrate: (count) => ({ count, best: null }),
    load: ({ count, best }, version) => void loaded.push(count, best, version),
  });
const old = (data: JsonValue, version = 1): PluginState => ({ version, save: () => data, load: () => undefined });

describe('a state with a schema', () => {
  it('is loaded as the schema has it, and in the shape of today', async () => {
    const loaded: unknown[] = [];
    await trainerWith(counter(loaded)).load(await saved(counter()));
    await trainerWith(counter(loaded)).load(await saved(old(7)));
    expect(loaded).toEqual([3, { value: 1 }, 2, 7, null, 1]);
  });

  it.each<[string, JsonValue, string]>([
    ['5', 5, 'the whole of it: '],
    ['null', null, 'the whole of it: '],
    ['{}', {}, 'field "count": '],
    ['a negative count', { count: -5, best: null }, 'field "count": '],
    ['NaN', { count: 1, best: { value: Number.NaN } }, 'field "best.value": '],
    ['two faults', { count: 1.5, best: 'x' }, 'field "best": '],
  ])(
    'is refused where it does not fit, with plugin, entry and field, before anything is loaded: %s',
    async (_, data, field) => {
      const loaded: unknown[] = [];
      const trainer = trainerWith(counter(loaded), counter(loaded));
      const attempt = trainer.load(await saved(counter(), old(data, 2)));
      await expect(attempt).rejects.toMatchObject({
        code: 'HKL_STATE_INVALID',
        who: 'p1',
        where: 'entry hookline/plugins',
      });
      await expect(attempt).rejects.toThrow(field);
      // What is loaded is what was there before, when it is brought back.
      expect(loaded.slice(0, 3)).toEqual([3, { value: 1 }, 2]);
      expect(loaded).toHaveLength(6);
    },
  );

  it('of a newer version is refused, and what migrate raises names the plugin', async () => {
    await expect(trainerWith(counter()).load(await saved(old(7, 3)))).rejects.toThrow(
      /\[HKL_STATE_NEWER\] p0: its state in .* has version 3, and this plugin reads versions up to 2/,
    );
    const strict = {
      ...counter(),
      migrate: () => {
        throw new Error('too old');
      },
    };
    await expect(trainerWith(strict).load(await saved(old(7)))).rejects.toThrow(
      /\[HKL_STATE_LOAD_FAILED\] p0: .*too old \(state\.migrate\)/,
    );
  });

  it('may be missing or left over where it is optional, with reset in place of load', async () => {
    const calls: string[] = [];
    const optional = defineState({
      schema: z.null(),
      optional: true,
      save: () => null,
      load: () => void calls.push('load'),
      reset: () => void calls.push('reset'),
    });
    await trainerWith(optional).load(await saved());
    expect(calls).toEqual(['reset']);
    await trainerWith().load(await saved(optional));
  });

  it.each<[string, object, string]>([
    ['schema', { schema: {} }, 'a state whose schema is no Standard Schema'],
    ['version', { version: 0.5 }, 'a state of version 0.5'],
  ])('with a wrong %s is found when the plugin is set up', async (_, wrong, message) => {
    await expect(trainerWith({ ...old(1), ...wrong }).prepare()).rejects.toThrow(message);
  });
});

it.each<[string, (entries: Record<string, { data: unknown }>) => void, RegExp]>([
  [
    'without random',
    (entries) => delete entries['hookline/random'],
    /HKL_STATE_MISSING.*random.*entry hookline\/random/,
  ],
  ['without storage', (entries) => delete entries['hookline/storage'], /HKL_STATE_MISSING.*entry hookline\/storage/],
  ['without plugins', (entries) => delete entries['hookline/plugins'], /HKL_STATE_MISSING.*entry hookline\/plugins/],
  [
    'with junk for random',
    (entries) => (entries['hookline/random'] = { data: { seed: 1, positions: { a: -1 } } }),
    /HKL_STATE_INVALID.*field "positions\.a".*entry hookline\/random/,
  ],
  [
    'with junk for storage',
    (entries) => (entries['hookline/storage'] = { data: { scalars: { loss: 5 } } }),
    /HKL_STATE_INVALID.*field "scalars\.loss".*entry hookline\/storage/,
  ],
  [
    'with junk for plugins',
    (entries) => (entries['hookline/plugins'] = { data: { p0: { package: '1', version: 0, data: 1 } } }),
    /HKL_STATE_INVALID.*p0.*field "version"/,
  ],
])('a checkpoint %s is refused', async (_, change, message) => {
  const file = await saved(old(1));
  const { manifest, tensors } = await readCheckpoint(file);
  const entries = { ...manifest.entries } as Record<string, { data: unknown }>;
  change(entries);
  await writeCheckpoint(file, { manifest: { ...manifest, entries }, tensors });
  await expect(trainerWith(old(1)).load(file)).rejects.toThrow(message);
});

it('an entry or tensor that nobody asks for is told of', async () => {
  const file = await saved();
  const { manifest, tensors } = await readCheckpoint(file);
  tensors.set('old/t', { dtype: 'float32', shape: [], data: Float32Array.of(1) });
  await writeCheckpoint(file, {
    manifest: { ...manifest, entries: { ...manifest.entries, mine: { data: 1 } } },
    tensors,
  });
  const lines: string[] = [];
  const trainer = new TrainerBase({
    step: () => 1,
    maxIterations: 1,
    output: dir,
    logger: new ConsoleLogger({ level: 'warn', stream: { write: (text) => lines.push(text) } }),
  });
  await trainer.load(file);
  expect(lines).toEqual([expect.stringContaining('entry "mine"'), expect.stringContaining('tensor "old/t"')]);
});
