import {
  definePlugin,
  definePreset,
  type HooklineError,
  namesOf,
  type PluginEntry,
  type PluginInput,
  type Preset,
} from '@hookline/core';
import { bestCheckpointer, checkpointer } from '@hookline/plugin-checkpointer';
import { dataParallel } from '@hookline/plugin-data-parallel';
import { ema } from '@hookline/plugin-ema';
import { gradientAccumulation } from '@hookline/plugin-gradient-accumulation';
import { gradientClipping } from '@hookline/plugin-gradient-clipping';
import { writers } from '@hookline/plugin-writers';
import { presetDefault } from '@hookline/preset-default';
import { RecordingLogger } from '@hookline/testing';
import type { BaseConfig, BaseConfigInput } from './config/config-schema.ts';
import { defineConfig } from './config/define-config.ts';
import { DefaultTrainer } from './default-trainer.ts';
import { defineTrainer, type TrainerFile } from './define-trainer.ts';

const ratio = definePlugin({ name: 'hookline-plugin-loss-ratio', version: '1.0.0', setup() {} });
const myWriters = definePlugin({ name: 'my-writers', version: '1.0.0', setup() {} });

/** The preset of docs/presets.md, with its author's options. */
const presetLab = definePreset({
  name: 'hookline-preset-lab',
  version: '1.0.0',
  extends: [presetDefault({ checkpointer: { period: 500, prefix: 'lab' } }).without('iteration-timer')],
  plugins: [ratio()],
});
const presetMinimal = definePreset({
  name: 'hookline-preset-minimal',
  version: '1.0.0',
  plugins: [checkpointer({ period: 7 })],
});

/** Returns the plugin list with which a training would start; this needs no device. */
class Shown extends DefaultTrainer {
  list(): readonly PluginEntry[] {
    return this.resolvePlugins([]);
  }
}

type Plugins = NonNullable<TrainerFile<BaseConfig, typeof Shown>['plugins']>;

function look(values: BaseConfigInput, plugins: Plugins, set: string[] = [], trainer: typeof Shown = Shown) {
  const logger = new RecordingLogger();
  const list = defineTrainer({ config: defineConfig(values), trainer, plugins })
    .create({ set, logger })
    .list();
  const find = (name: string) => list.find(({ plugin }) => namesOf(plugin).includes(name));
  return {
    list,
    names: list.map(({ plugin }) => namesOf(plugin).at(-1)),
    options: (name: string) => find(name)?.plugin.options as Readonly<Record<string, unknown>> | undefined,
    entry: find,
    said: logger.lines,
    warned: logger.matching('warning: ').map((line) => line.replace('warning: ', '')),
  };
}

const caught = (run: () => unknown): HooklineError => {
  try {
    run();
  } catch (error) {
    return error as HooklineError;
  }
  throw new Error('nothing was thrown');
};

describe('a preset in the list of a trainer file', () => {
  it('stands in the place of the default preset, and the config asks for what it asks for', () => {
    const { names, entry, said } = look({ solver: { emaDecay: 0.99 } }, [presetLab()]);
    expect([...names].sort()).toEqual([
      'checkpointer',
      'ema',
      'evaluator',
      'loss-ratio',
      'lr-scheduler',
      'plots',
      'writers',
    ]);
    expect(entry('checkpointer')?.addedBy).toBe('hookline-preset-lab > @hookline/preset-default');
    expect(entry('ema')?.addedBy).toBe('trainer');
    expect(said).toEqual([]);
  });

  it('gets what is written in the config, in the file, for a device or after --set, and keeps the rest', () => {
    const file = { checkpoint: { maxToKeep: 3 }, test: { evalPeriod: 40 }, writers: { period: 5 } };
    const { options, entry, said } = look(file, [presetLab()], ['checkpoint.period=5000']);
    expect(options('checkpointer')).toEqual({ period: 5000, prefix: 'lab', maxToKeep: 3 });
    expect(options('evaluator')).toMatchObject({ period: 40 });
    expect(options('writers')).toMatchObject({ period: 5 });
    expect(entry('checkpointer')?.changes).toEqual([
      'period by checkpoint.period',
      'maxToKeep by checkpoint.maxToKeep',
    ]);
    expect(said).toEqual([
      'config:     checkpoint.period 5000 in place of 500 as period of checkpointer (added by hookline-preset-lab > @hookline/preset-default)',
    ]);
    // Defaults of the config do not override anything.
    expect(look({}, [presetLab()]).options('checkpointer')).toMatchObject({ period: 500 });
    const onWasm = defineConfig().on('wasm', { checkpoint: { period: 9 } });
    const trainer = defineTrainer({ config: onWasm, trainer: Shown, plugins: [presetLab()] });
    const period = (shown: Shown) =>
      (
        shown.list().find(({ plugin }) => namesOf(plugin).includes('checkpointer'))?.plugin.options as {
          period: number;
        }
      ).period;
    const logger = new RecordingLogger();
    expect([period(trainer.create({ logger })), period(trainer.create({ logger, valuesOn: 'wasm' }))]).toEqual([
      500, 9,
    ]);
  });

  it('can be edited: the config holds over .configure, and what it says of a plugin left out is warned about', () => {
    const edited = presetLab()
      .configure('checkpointer', { period: 200, prefix: 'mine' })
      .without('evaluator')
      .replace('writers', myWriters());
    expect(look({}, [edited]).options('checkpointer')).toEqual({ period: 200, prefix: 'mine' });
    const { options, names, warned, said } = look(
      { checkpoint: { period: 100 }, test: { evalPeriod: 40 }, writers: { period: 5, windowSize: 9 } },
      [edited],
    );
    expect(options('checkpointer')).toEqual({ period: 100, prefix: 'mine' });
    expect(names).toContain('my-writers');
    expect(names).not.toContain('evaluator');
    expect(names).not.toContain('writers');
    expect(said[0]).toMatch(/^config: {5}checkpoint\.period 100 in place of 200 as period of checkpointer/);
    expect(warned).toEqual([
      'config: test.evalPeriod is not used: evaluator is not among the plugins. List it, or leave out the key',
      'config: writers.period, writers.windowSize are not used: my-writers is in the place of writers. Give it the option where it is made, or leave out the key',
    ]);
  });

  it('may be one of several, beside single plugins, and may extend nothing', () => {
    const extra = definePreset({ name: 'hookline-preset-extra', version: '1.0.0', plugins: [gradientClipping()] });
    const several = look({}, [presetLab(), extra(), ema()]);
    expect(several.names).toEqual(expect.arrayContaining(['loss-ratio', 'gradient-clipping', 'ema', 'checkpointer']));
    expect(several.names).not.toContain('iteration-timer');
    // The default preset is kept, except for the plugin that the list contains itself.
    const minimal = look({}, [presetMinimal()]);
    expect(minimal.names).toEqual(expect.arrayContaining(['iteration-timer', 'evaluator', 'writers', 'lr-scheduler']));
    expect(minimal.options('checkpointer')).toMatchObject({ period: 7 });
    // Config defaults do not change the list's options: emaDecay is 0 by default, which asks for no average.
    expect(several.options('ema')).toEqual({});
    expect(look({}, [checkpointer({ period: 8 })]).options('checkpointer')).toEqual({ period: 8 });
  });

  it.each<[string, BaseConfigInput, PluginInput, string, string]>([
    ['solver.emaDecay', { solver: { emaDecay: 0 } }, ema(), 'ema', 'solver.emaDecay 0 leaves out ema (added by lab)'],
    [
      'solver.clipGradients.enabled',
      { solver: { clipGradients: { enabled: false } } },
      gradientClipping({ clip: 3 }),
      'gradient-clipping',
      'solver.clipGradients.enabled false leaves out gradient-clipping (added by lab)',
    ],
    [
      'checkpoint.best',
      { checkpoint: { best: '' } },
      bestCheckpointer({ metric: 'accuracy' }),
      'checkpointer/best',
      'checkpoint.best "" leaves out checkpointer/best (added by lab)',
    ],
  ])('loses a plugin that the written %s switches off', (_key, values, plugin, name, line) => {
    const lab = definePreset({ name: 'lab', version: '1.0.0', plugins: [plugin] });
    expect(look({}, [lab()]).names).toContain(name);
    const { names, said } = look(values, [lab()]);
    expect(names).not.toContain(name);
    expect(said).toEqual([`config:     ${line}`]);
  });

  it('gets what config asks for into plugins that it lists itself', () => {
    const size = () => 3;
    const { options } = look(
      { solver: { accumulationSteps: 4, emaDecay: 0.9, clipGradients: { enabled: true, type: 'norm' } } },
      [gradientAccumulation({ steps: 2, batchSize: size }), ema({ warmup: false }), gradientClipping({ clip: 3 })],
    );
    expect(options('gradient-accumulation')).toEqual({ steps: 4, batchSize: size });
    expect(options('ema')).toEqual({ warmup: false, decay: 0.9 });
    expect(options('gradient-clipping')).toEqual({ clip: 3, type: 'norm', norm: 2 });
  });

  it('has a schedule of its own only where the config has none', () => {
    const lab = definePreset({
      name: 'lab',
      version: '1.0.0',
      extends: [presetDefault({ lrScheduler: { schedule: { type: 'cosine' } } })],
      plugins: [],
    });
    expect(look({}, [lab()]).options('lr-scheduler')).toEqual({ schedule: { type: 'cosine' } });
    const written = look({ solver: { lrSchedule: 'constant', warmupIterations: 3 } }, [lab()]);
    expect(written.options('lr-scheduler')).toEqual({});
    expect(written.said).toEqual([
      expect.stringMatching(/solver\.lrSchedule "constant" in place of { type: 'cosine' }/),
    ]);
    expect(look({ solver: { warmupIterations: 3 } }, [lab()]).warned).toEqual([
      'config: solver.warmupIterations is not used: lr-scheduler has a schedule of its own, by lab > @hookline/preset-default. Write solver.lrSchedule to have that of the config',
    ]);
    class Scheduled extends Shown {
      override buildLrScheduler() {
        return { type: 'constant' } as const;
      }
    }
    expect(look({}, [lab()], [], Scheduled).options('lr-scheduler')).toEqual({});
    const without = definePreset({
      name: 'w',
      version: '1',
      extends: [presetDefault({ lrScheduler: false })],
      plugins: [],
    });
    expect(look({}, [without()]).names).not.toContain('lr-scheduler');
  });

  it('says of keys that ask for nothing without another one which that is', () => {
    const { warned } = look(
      { solver: { clipGradients: { value: 3 }, amp: { initScale: 8 } }, checkpoint: { bestMode: 'min' } },
      [],
    );
    expect(warned).toEqual([
      'config: checkpoint.bestMode is not used: checkpoint.best is ""',
      'config: solver.amp.initScale is not used: precision is "float32"',
      'config: solver.clipGradients.value is not used: solver.clipGradients.enabled is false',
    ]);
    // The plugin is switched off explicitly, so the keys that depend on it are not reported.
    expect(look({ solver: { clipGradients: { value: 3, enabled: false } } }, []).warned).toEqual([]);
  });
});

describe('a function in the place of the list', () => {
  it('lists what stands in the place of the default preset; what the config asks for is there too', () => {
    const { names, options } = look(
      { checkpoint: { period: 3 }, solver: { emaDecay: 0.9 }, writers: { plots: false } },
      () => [presetMinimal()],
    );
    expect([...names].sort()).toEqual(['checkpointer', 'ema', 'lr-scheduler']);
    expect(options('checkpointer')).toMatchObject({ period: 3 });
  });

  it('is given the complete config and the preset of its trainer, which it may edit', () => {
    const seen: BaseConfig[] = [];
    const { names, options } = look({ seed: 5 }, (config: BaseConfig, defaults: Preset) => {
      seen.push(config);
      return [defaults.without('writers', 'lr-scheduler').configure('checkpointer', { period: 3 }), ratio()];
    });
    expect(seen[0]?.seed).toBe(5);
    expect(names).toEqual(
      expect.arrayContaining(['iteration-timer', 'checkpointer', 'evaluator', 'loss-ratio', 'plots']),
    );
    expect(names).not.toContain('writers');
    expect(names).not.toContain('lr-scheduler');
    expect(options('checkpointer')).toMatchObject({ period: 3 });
  });
});

describe('a subclass', () => {
  it('whose method gives a preset has its plugins configured too', () => {
    class Lab extends Shown {
      override buildPreset() {
        return presetLab();
      }
    }
    class Listing extends Shown {
      override buildPlugins() {
        return [presetLab()];
      }
    }
    for (const trainer of [Lab, Listing]) {
      const { options } = look({ checkpoint: { period: 3 } }, [], [], trainer);
      expect(options('checkpointer')).toEqual({ period: 3, prefix: 'lab' });
    }
    const { warned } = look({ solver: { emaDecay: 0.9 } }, [], [], Listing);
    expect(warned).toEqual([
      'config: solver.emaDecay is not used: ema is not among the plugins. List it, or leave out the key',
    ]);
  });

  it('takes presets as an option, as a trainer file does', () => {
    const config = defineConfig({ checkpoint: { period: 3 } }).resolve();
    const logger = new RecordingLogger();
    const list = new Shown(config, { logger, plugins: [presetLab()] }).list();
    const found = list.find(({ plugin }) => namesOf(plugin).includes('checkpointer'));
    expect(found?.plugin.options).toEqual({ period: 3, prefix: 'lab' });
    // In a copy of a config, the values that differ from the defaults count as set.
    const copied = new Shown({ ...config, seed: 3 }, { logger, plugins: [presetLab()] }).list();
    expect(copied.find(({ plugin }) => namesOf(plugin).includes('checkpointer'))?.plugin.options).toMatchObject({
      period: 3,
    });
  });

  it('synchronizes batch norms over ranks where model.syncBatchNorm says so, also beside an own dataParallel', () => {
    const { options, warned } = look({ model: { syncBatchNorm: true } }, []);
    expect(options('data-parallel')).toEqual({ syncBatchNorm: true });
    const own = look({ model: { syncBatchNorm: true } }, [dataParallel({ bucketBytes: 1000 })]);
    expect(own.options('data-parallel')).toEqual({ syncBatchNorm: true, bucketBytes: 1000 });
    const unsaid = look({}, [dataParallel({ syncBatchNorm: true })]);
    expect(unsaid.options('data-parallel')).toEqual({ syncBatchNorm: true });
    expect(look({}, []).names).not.toContain('data-parallel');
    expect([...warned, ...own.warned, ...unsaid.warned]).toEqual([]);
  });

  it('has what is written scaled to its batch size', () => {
    const values = { solver: { referenceBatchSize: 8, batchSize: 16 }, checkpoint: { period: 100 } };
    expect(look(values, [presetLab()]).options('checkpointer')).toMatchObject({ period: 50 });
    const unwritten = { solver: { referenceBatchSize: 8, batchSize: 16 } };
    expect(look(unwritten, [presetLab()]).options('checkpointer')).toMatchObject({ period: 500 });
  });
});

describe('what does not fit', () => {
  it('one plugin of two presets is an error that names both and the ways out', () => {
    const error = caught(() => look({}, [presetMinimal(), presetLab()]));
    expect(error).toMatchObject({ code: 'HKL_PLUGIN_DUPLICATE' });
    expect(error.message).toContain(
      "it is listed twice, by hookline-preset-minimal and by hookline-preset-lab > @hookline/preset-default. Leave it out of one of them: .without('checkpointer'), or give one of them an instance",
    );
    expect(look({}, [presetMinimal(), presetLab().without('checkpointer')]).options('checkpointer')).toEqual({
      period: 7,
    });
    expect(caught(() => look({}, [writers(), writers()])).message).toContain(
      'by you and by you. Leave one of them out',
    );
  });

  it.each(['buildPlugins', 'buildPreset'])('%s in a trainer file is an error that says what to write', (name) => {
    const file = { config: defineConfig(), [name]: () => [] } as object as Parameters<typeof defineTrainer>[0];
    expect(() => defineTrainer(file)).toThrow(
      new RegExp(`\\[HKL_TRAINER_FILE\\] defineTrainer: "${name}" is a method of classes.*Write plugins: `),
    );
  });

  it('a preset without a list around it is an error that says so', () => {
    expect(() => look({}, presetLab() as never)).toThrow(/\[HKL_PLUGIN_LIST\].*Put it into brackets/);
  });
});
