import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { codeBlocks } from '../code-blocks.test.support.ts';
import { packAll, type Packed, Sandbox, STRICT } from './sandbox.test.support.ts';

const PLUGIN = `
import { defineHooks, definePlugin, storageRef, sync } from '@hookline/core';
import { z } from 'zod';

/** Other plugins can tap each beat. */
export const heartbeatHooks = defineHooks('acme-plugin-heartbeat', {
  beat: sync<[iteration: number]>(['iteration'], 'a beat'),
});

export interface HeartbeatOptions { readonly every?: number }

export const heartbeat = definePlugin({
  name: 'acme-plugin-heartbeat',
  version: '1.0.0',
  description: 'beats every few steps',
  core: '^0.1.0',
  options: z.strictObject({ every: z.int().positive().default(2) }),
  requires: { storage: storageRef },
  hooks: heartbeatHooks,
  setup({ hooks, own, storage }, { every }) {
    let beats = 0;
    hooks.afterStep.tap(({ iteration }) => {
      if ((iteration + 1) % every !== 0) return;
      beats++;
      storage.putScalar('beats', beats);
      own.beat.call(iteration);
    });
    return { state: { save: () => beats, load: (data) => { beats = Number(data); } } };
  },
});
`;

const PRESET = `
import { definePreset } from '@hookline/core';
import { heartbeat } from 'acme-plugin-heartbeat';

export const presetLively = definePreset({
  name: 'acme-preset-lively',
  version: '1.0.0',
  plugins: () => [heartbeat({ every: 3 })],
});
`;

const CONSUMER = `
import { definePlugin, definePreset, type PluginInput, TrainerBase } from '@hookline/core';
import { heartbeat, heartbeatHooks } from 'acme-plugin-heartbeat';
import { presetLively } from 'acme-preset-lively';

const listener = (heard: number[]) =>
  definePlugin({
    name: 'my-plugin-listener',
    version: '1.0.0',
    requires: { beats: heartbeatHooks },
    setup: ({ beats }) => beats.beat.tap((iteration) => { heard.push(iteration); }),
  })();

const own = definePreset({ name: 'my-preset', version: '1.0.0', plugins: () => [heartbeat({ every: 2 })] });

async function train(preset: PluginInput) {
  const heard: number[] = [];
  const trainer = new TrainerBase({ maxIterations: 6, step: () => 1, plugins: [preset, listener(heard)] });
  const { status } = await trainer.train();
  const { plugins } = await trainer.describe();
  return { status, heard, addedBy: plugins.find(({ shortName }) => shortName === 'heartbeat')?.addedBy };
}

console.log(JSON.stringify([
  await train(own()),
  await train(presetLively()),
  await train(presetLively().configure('heartbeat', { every: 1 })),
]));
`;

function manifest(name: string, more: object): object {
  return { name, version: '1.0.0', type: 'module', exports: { '.': './dist/index.js' }, files: ['dist'], ...more };
}

/** A package in TypeScript and JavaScript, as it is published. */
const published = (code: string) => ({
  'index.ts': code,
  'index.js': ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  }).outputText,
});

const sandbox = new Sandbox();
let core: Packed;
let plugin: Packed;
let preset: Packed;
let consumer: string;

beforeAll(() => {
  Sandbox.build('packages/core');
  core = sandbox.pack('packages/core');
}, 600_000);

afterAll(() => sandbox.remove());

describe('packages of other people', () => {
  it('core packs what is needed, and no tests', () => {
    expect(core.files).toContain('dist/index.js');
    expect(core.files).toContain('dist/index.d.ts');
    expect(core.files.filter((file) => /\.test\.|tsbuildinfo/.test(file))).toEqual([]);
  });

  it('a plugin compiles against the packed core, and packs', () => {
    const folder = sandbox.write('plugin', {
      'package.json': manifest('acme-plugin-heartbeat', {
        keywords: ['hookline-plugin'],
        dependencies: { zod: '^4.0.0' },
        peerDependencies: { '@hookline/core': '^0.1.0' },
      }),
      'tsconfig.json': STRICT,
      'src/index.ts': PLUGIN,
    });
    sandbox.install(folder, [core]);
    expect(sandbox.compile(folder)).toBe('');
    plugin = sandbox.pack(folder);
    expect(plugin.files).toEqual(['dist/index.d.ts', 'dist/index.js', 'package.json']);
  }, 300_000);

  it('a preset shares that plugin', () => {
    const folder = sandbox.write('preset', {
      'package.json': manifest('acme-preset-lively', {
        keywords: ['hookline-preset'],
        dependencies: { 'acme-plugin-heartbeat': '^1.0.0' },
        peerDependencies: { '@hookline/core': '^0.1.0' },
      }),
      'tsconfig.json': STRICT,
      'src/index.ts': PRESET,
    });
    sandbox.install(folder, [core, plugin]);
    expect(sandbox.compile(folder)).toBe('');
    preset = sandbox.pack(folder);
  }, 300_000);

  it('a consumer installs the tarballs, type-checks, and gets one core', () => {
    consumer = sandbox.write('consumer', {
      'package.json': { name: 'consumer', private: true, type: 'module' },
      'tsconfig.json': STRICT,
      'src/index.ts': CONSUMER,
    });
    sandbox.install(consumer, [core, plugin, preset]);
    expect(sandbox.compile(consumer)).toBe('');
    const modules = readdirSync(join(consumer, 'node_modules'), { recursive: true, encoding: 'utf8' });
    expect(modules.filter((path) => path.endsWith('@hookline/core/package.json'))).toHaveLength(1);
  }, 300_000);

  it('and trains with both', () => {
    const lines = sandbox.run(consumer, 'dist/index.js').trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual([
      { status: 'completed', heard: [1, 3, 5], addedBy: expect.stringContaining('my-preset') },
      { status: 'completed', heard: [2, 5], addedBy: expect.stringContaining('acme-preset-lively') },
      { status: 'completed', heard: [0, 1, 2, 3, 4, 5], addedBy: expect.stringContaining('acme-preset-lively') },
    ]);
  });

  it('wrong options do not compile', () => {
    const folder = sandbox.write('consumer', {
      'src/index.ts': CONSUMER,
      'src/wrong.ts':
        "import { heartbeat } from 'acme-plugin-heartbeat';\nheartbeat({ evry: 2 });\nheartbeat({ every: 'x' });\n",
    });
    const said = sandbox.compile(folder);
    expect(said).toMatch(/wrong\.ts\(2,\d+\): error .*'evry' does not exist/s);
    expect(said).toMatch(/wrong\.ts\(3,\d+\): error TS2322/);
  });
});

describe('the preset of docs/presets.md in its trainer file, all from tarballs', () => {
  const [presetCode = '', trainerCode = '', ...others] = codeBlocks('docs/presets.md');
  const [presetPackage = ''] = codeBlocks('docs/presets.md', 'json');
  const [readmeTrainer = '', pluginCode = ''] = codeBlocks('README.md');
  let user: string;

  /** The output of the command line for a trainer file. */
  function inspect(file: string, ...set: string[]) {
    const printed = sandbox.run(user, 'node_modules/hookline/bin/hookline.js', 'inspect', file, '--json', ...set);
    const { plugins } = JSON.parse(printed) as {
      plugins: { shortName: string; addedBy: string; changes: string[]; options: Record<string, unknown> }[];
    };
    return new Map(plugins.map((each) => [each.shortName, each]));
  }

  beforeAll(() => {
    Sandbox.build('packages/hookline');
    const lossRatio = sandbox.write('loss-ratio', {
      'package.json': {
        name: 'hookline-plugin-loss-ratio',
        version: '1.0.0',
        type: 'module',
        exports: './index.js',
        peerDependencies: { '@hookline/core': '^0.1.0' },
      },
      ...published(pluginCode),
    });
    const lab = sandbox.write('lab', { 'package.json': presetPackage, ...published(presetCode) });
    user = sandbox.write('user', {
      'package.json': { name: 'user', private: true, type: 'module' },
      'tsconfig.json': {
        compilerOptions: { ...STRICT.compilerOptions, noEmit: true, skipLibCheck: true, rootDir: '.' },
        include: ['*.ts'],
      },
      'trainer.ts': trainerCode,
      'edited.ts': trainerCode
        .replace(".configure('checkpointer', {", ".configure('checkpointer', { period: 3,")
        .replace(/\n +\.without.*\n +\.replace.*/, "\n      .without('evaluator'),"),
      'more.ts': `
        import { functionModel, gradientAccumulation, layersModel, tf } from 'hookline';
        const w = tf.variable(tf.zeros([4, 1]));
        export const model = functionModel<{ x: tf.Tensor; y: tf.Tensor }>({
          variables: { w },
          losses: ({ x, y }) => tf.losses.meanSquaredError(y, x.matMul(w)),
        });
        export const named = (net: tf.LayersModel) =>
          layersModel(net, { loss: (outputs, { y }) => ({ error: tf.losses.absoluteDifference(y, outputs) }) });
        export const accumulation = gradientAccumulation({
          steps: 4,
          batchSize: ({ mask }: { mask: tf.Tensor }) => mask.sum(),
        });`,
      'readme.ts': `${readmeTrainer}
        declare function makeNet(): tf.LayersModel;
        declare const x: { data: Float32Array; shape: readonly [number, number] };
        declare const y: typeof x;`,
    });
    sandbox.unpack(user, [...packAll({ into: sandbox.dir }), sandbox.pack(lossRatio), sandbox.pack(lab)]);
  }, 600_000);

  it('has no block of code that is not run here', () => {
    expect(others).toEqual([]);
    expect(pluginCode).toContain('lossRatio = definePlugin');
  });

  it('type-checks with TypeScript 5.9, as the trainer file of the README does', () => {
    expect(sandbox.compile(user, sandbox.typescript('5.9'))).toBe('');
  });

  it('trains, with the keys of the config and the edits of the file', () => {
    const ends = ['--device', 'wasm', '--set', 'solver.maxIterations=70'];
    const printed = sandbox.run(user, 'node_modules/hookline/bin/hookline.js', 'train', 'trainer.ts', ...ends);
    expect(printed).toContain('the training is completed');
    const files = readdirSync(join(user, 'output'));
    // The period of 20 is from the config, not 500 from the preset; the file keeps two checkpoints; the prefix is the preset's.
    expect(files.filter((file) => /^lab_\d/.test(file)).sort()).toEqual([
      'lab_0000039.safetensors',
      'lab_0000059.safetensors',
    ]);
    expect(files).not.toContain('metrics.json');
  });

  it('shows where everything is from, and has what is written hold over .configure', () => {
    const plugins = inspect('trainer.ts', '--set', 'solver.emaDecay=0.9', '--set', 'solver.clipGradients.enabled=true');
    expect([...plugins.keys()]).toEqual(
      expect.arrayContaining(['lr-scheduler', 'checkpointer', 'evaluator', 'callback', 'ema', 'gradient-clipping']),
    );
    for (const name of ['iteration-timer', 'loss-ratio', 'writers']) expect(plugins.has(name)).toBe(false);
    expect(plugins.get('evaluator')).toMatchObject({
      addedBy: 'hookline-preset-lab > @hookline/preset-default',
      changes: ['period by test.evalPeriod'],
      options: { period: 30 },
    });
    expect(plugins.get('ema')?.options).toMatchObject({ decay: 0.9 });
    const edited = inspect('edited.ts', '--set', 'checkpoint.period=7');
    expect(edited.get('checkpointer')?.options).toMatchObject({ period: 7, prefix: 'lab', maxToKeep: 2 });
    expect(edited.has('evaluator')).toBe(false);
    expect(edited.has('loss-ratio')).toBe(true);
  });
});
