import { ConsoleLogger, definePlugin, type PluginInput, TrainerBase } from '@hookline/core';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { functionModel } from '../model/function-model.ts';
import { modelRef } from '../model/trainable-model.ts';
import { sgd } from '../optim/sgd.ts';
import { tfjsRuntime } from './tfjs-runtime.ts';

let dir: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  dir = temporaryFolder();
});

function make(start: Readonly<Record<string, readonly number[]>>, plugins: readonly PluginInput[] = []) {
  const lines: string[] = [];
  const runtime = tfjsRuntime({
    model: () =>
      functionModel({
        variables: Object.fromEntries(
          Object.entries(start).map(([name, v]) => [name, tf.variable(tf.tensor1d([...v]))]),
        ),
        losses: () => tf.scalar(0),
      }),
    optimizer: (model) => sgd(model, { learningRate: 0.1 }),
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
    await trainer.load(file, 'weights');
    expect(await values()).toEqual({ 'fc/kernel': [1, 2], 'fc/bias': [7, 7], new: [7] });
    const log = lines.join('');
    expect(log).toContain('fc/bias is float32 [1] in the checkpoint but float32 [2] in the model');
    expect(log).toContain('not in the checkpoint: new');
    expect(log).toContain('not in the model: old/{a, b}');
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
