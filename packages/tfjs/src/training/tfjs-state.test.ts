import { ConsoleLogger, definePlugin, type PluginInput, TrainerBase } from '@hookline/core';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { functionModel } from '../model/function-model.ts';
import { modelRef, type TrainableModel } from '../model/trainable-model.ts';
import { adam } from '../optim/adam.ts';
import { sgd } from '../optim/sgd.ts';
import type { Optimizer } from '../parameters/optimizer.ts';
import { stepScopeRef } from '../scope/step-scope.ts';
import { loadWeights } from '../weights/load-weights.ts';
import { tfjsRuntime } from './tfjs-runtime.ts';

let dir: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  dir = temporaryFolder();
});

function make(
  start: Readonly<Record<string, readonly number[]>>,
  plugins: readonly PluginInput[] = [],
  optimizer = (model: TrainableModel): Optimizer => sgd(model, { learningRate: 0.1 }),
) {
  const lines: string[] = [];
  const runtime = tfjsRuntime({
    model: () =>
      functionModel({
        variables: Object.fromEntries(
          Object.entries(start).map(([name, v]) => [name, tf.variable(tf.tensor1d([...v]))]),
        ),
        losses: () => tf.scalar(0),
      }),
    optimizer,
    data: [],
    capture: 'off',
  });
  const logger = new ConsoleLogger({ stream: { write: (text) => lines.push(text) } });
  const trainer = new TrainerBase({
    maxIterations: 1,
    output: dir,
    logger,
    ...runtime,
    plugins: [...runtime.plugins, ...plugins],
  });
  const values = async () => {
    const model = await trainer.service(modelRef);
    return Object.fromEntries([...model.trainable()].map(([name, variable]) => [name, [...variable.dataSync()]]));
  };
  return { trainer, lines, values };
}

describe.each(['all', 'weights'] as const)('NaN and infinity in a checkpoint, loading %s', (what) => {
  it.each([Number.NaN, Infinity])('%p is an error that names the tensors, and changes nothing', async (value) => {
    const saved = make({ 'fc/kernel': [1, value], 'fc/bias': [3], 'fc/gamma': [value, value] });
    await saved.trainer.prepare();
    const file = await saved.trainer.checkpoints.save('bad');
    const { trainer, values } = make({ 'fc/kernel': [7, 7], 'fc/bias': [7], 'fc/gamma': [7, 7] });
    await expect(what === 'all' ? trainer.load(file) : trainer.load(file, 'weights')).rejects.toThrow(
      /HKL_STATE_NOT_FINITE.*fc\/kernel \(1 of 2\), .*fc\/gamma \(2 of 2\)/,
    );
    expect(await values()).toEqual({ 'fc/kernel': [7, 7], 'fc/bias': [7], 'fc/gamma': [7, 7] });
  });
});

describe.each(['all', 'weights'] as const)('NaN in a checkpoint, when it is allowed, loading %s', (scope) => {
  it('is loaded with a warning that names the tensors', async () => {
    const saved = make({ 'fc/kernel': [1, Number.NaN], 'fc/bias': [3] });
    await saved.trainer.prepare();
    const file = await saved.trainer.checkpoints.save('bad');
    const { trainer, values, lines } = make({ 'fc/kernel': [7, 7], 'fc/bias': [7] });
    await trainer.load(file, { scope, allowMismatch: ['non-finite'] });
    expect(await values()).toEqual({ 'fc/kernel': [1, Number.NaN], 'fc/bias': [3] });
    expect(lines.join('')).toMatch(
      /bad\.safetensors: it holds NaN or infinity in .*fc\/kernel \(1 of 2\), as non-finite in/,
    );
  });

  it('may be allowed when all values are finite', async () => {
    const saved = make({ a: [1] });
    await saved.trainer.prepare();
    const file = await saved.trainer.checkpoints.save('good');
    const { trainer, values, lines } = make({ a: [7] });
    await trainer.load(file, { scope, allowMismatch: ['non-finite'] });
    expect(await values()).toEqual({ a: [1] });
    expect(lines.join('')).not.toContain('NaN');
  });
});

describe('the weights from before a failed load', () => {
  it('are restored, including NaN and infinity', async () => {
    const picky = (name: string) =>
      definePlugin({
        name: 'picky',
        version: '1.0.0',
        setup: () => ({
          state: {
            save: () => name,
            load: (data) => {
              if (data !== name) throw new Error(`${JSON.stringify(data)} is not ${name}`);
            },
          },
        }),
      })();
    const saved = make({ a: [1, 2, 3] }, [picky('theirs')]);
    await saved.trainer.prepare();
    const file = await saved.trainer.checkpoints.save('good');
    const { trainer, values } = make({ a: [Number.NaN, -Infinity, 7] }, [picky('ours')]);
    await expect(trainer.load(file)).rejects.toMatchObject({ code: 'HKL_STATE_LOAD_FAILED' });
    expect(await values()).toEqual({ a: [Number.NaN, -Infinity, 7] });
    // Otherwise the error would be HKL_HALF_LOADED.
    await expect(trainer.checkpoints.save('again')).resolves.toContain('again');
  });
});

describe('weights of another run', () => {
  it('are loaded where name and shape fit; the rest is reported and unchanged', async () => {
    const saved = make({ 'fc/kernel': [1, 2], 'fc/bias': [3], 'old/a': [4], 'old/b': [5] });
    await saved.trainer.prepare();
    const file = await saved.trainer.checkpoints.save('other');
    const { trainer, lines, values } = make({ 'fc/kernel': [7, 7], 'fc/bias': [7, 7], new: [7] });
    await trainer.load(file, { scope: 'weights', allowMismatch: ['weights'] });
    expect(await values()).toEqual({ 'fc/kernel': [1, 2], 'fc/bias': [7, 7], new: [7] });
    expect(lines.join('')).toContain(
      "other.safetensors: 1 of the model's 3 tensors loaded (checkpoint); of another shape and not loaded: " +
        'fc/bias (float32 [1] in the file, float32 [2] in the model); not in the file: new; left in the file: old',
    );
    expect(lines).toHaveLength(1);
  });

  it('are refused when too little of them fits, such as those of a wider network', async () => {
    const network = (width: number) =>
      Object.fromEntries([1, 2, 3, 4, 5].map((layer) => [`layer${layer}/kernel`, Array<number>(width).fill(width)]));
    const saved = make({ ...network(4), 'head/bias': [1] });
    await saved.trainer.prepare();
    const file = await saved.trainer.checkpoints.save('wide');
    const { trainer, lines, values } = make({ ...network(2), 'head/bias': [2] });
    const before = await values();
    await expect(trainer.load(file, 'weights')).rejects.toThrow(
      /HKL_WEIGHTS_MISMATCH\] .*wide\.safetensors: too little fits the model .*: of 6 tensors that it expects, 1 can be loaded; layer1\/kernel is float32 \[2\] in the model, and float32 \[4\] in the file; .*--allow-mismatch weights/,
    );
    await expect(loadWeights(await trainer.service(modelRef), file)).rejects.toThrow('HKL_WEIGHTS_MISMATCH');
    expect(await values()).toEqual(before);
    expect(lines).toEqual([]);
    const head = make({ ...network(4), 'head/bias': [1, 2] });
    await head.trainer.load(file, 'weights');
    expect(head.lines.join('')).toMatch(/5 of the model's 6 tensors loaded \(checkpoint\); .*head\/bias/);
  });

  it('are an error when none of them fits', async () => {
    const saved = make({ a: [1] });
    await saved.trainer.prepare();
    const file = await saved.trainer.checkpoints.save('other');
    const { trainer, values } = make({ b: [7] });
    await expect(trainer.load(file, 'weights')).rejects.toMatchObject({ cause: { code: 'HKL_WEIGHTS_NONE' } });
    expect(await values()).toEqual({ b: [7] });
  });
});

describe('a checkpoint that is loaded for inference', () => {
  const keeper = (...names: string[]) =>
    definePlugin({
      name: 'keeper',
      version: '1.0.0',
      requires: { scope: stepScopeRef },
      setup({ plugin, scope }) {
        for (const name of names) scope.value.variable(`${plugin.id}/${name}`, () => tf.scalar(1));
      },
    })();

  it.each([
    ['here', [], [keeper('sum')]],
    ['in the checkpoint', [keeper('sum')], []],
  ])('needs no step variables of a plugin that is only %s', async (_, theirs, ours) => {
    const saved = make({ a: [1] }, theirs);
    await saved.trainer.prepare();
    const file = await saved.trainer.checkpoints.save('good');
    const { trainer, values, lines } = make({ a: [7] }, ours);
    await expect(trainer.load(file)).rejects.toThrow('HKL_STATE_MISMATCH');
    await trainer.load(file, { scope: 'inference', allowMismatch: ['data', 'optimizer'] });
    expect(await values()).toEqual({ a: [1] });
    expect(lines).toEqual([]);
  });

  it('needs all step variables of a plugin that both have, such as averaged weights', async () => {
    const saved = make({ a: [1] }, [keeper('average/a')]);
    await saved.trainer.prepare();
    const file = await saved.trainer.checkpoints.save('good');
    const { trainer } = make({ a: [7] }, [keeper('average/a', 'average/b')]);
    await expect(trainer.load(file, 'inference')).rejects.toThrow(
      /HKL_STATE_MISMATCH.*scope\/keeper\/average\/b.*Give the same plugins as for its training/,
    );
  });

  it('needs no optimizer, and the same model', async () => {
    const saved = make({ a: [1], b: [2] }, [], (model) => adam(model, { learningRate: 0.2 }));
    await saved.trainer.prepare();
    const file = await saved.trainer.checkpoints.save('good');
    const { trainer, values, lines } = make({ a: [7], b: [7] });
    await trainer.load(file, 'inference');
    expect(await values()).toEqual({ a: [1], b: [2] });
    expect(lines).toEqual([]);
    const other = make({ a: [7, 7], b: [7] });
    await expect(other.trainer.load(file, 'inference')).rejects.toThrow(
      /HKL_STATE_MISMATCH.*model\/a is float32 \[1\] in the checkpoint.*Build the same model as for the training/,
    );
  });
});
