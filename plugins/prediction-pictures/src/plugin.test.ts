import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, evaluationRef, type PluginInput, type Results, TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, squareBatches } from '@hookline/testing';
import { adam, selectDevice, tfjsRuntime } from '@hookline/tfjs';
import { residualBackbone, detector, fcosHead } from '@hookline/vision';
import { predictionPictures } from './plugin.ts';

beforeAll(() => selectDevice('auto'));

function train(plugins: readonly PluginInput[], { maxIterations = 4, output = 'unused' } = {}): TrainerBase {
  const runtime = tfjsRuntime({
    model: () =>
      detector({
        classNames: ['dark', 'light'],
        backbone: residualBackbone({ widths: [8, 8], channels: 8 }),
        head: fcosHead({ convs: 1 }),
      }),
    optimizer: (model) => adam(model, { learningRate: 0.01 }),
    data: squareBatches,
    repeat: true,
    capture: 'off',
  });
  return new TrainerBase({
    maxIterations,
    output,
    seed: 1,
    logger: new RecordingLogger(),
    services: runtime.services,
    plugins: [...runtime.plugins, ...plugins],
  });
}

describe('predictionPictures', () => {
  let output = '';
  beforeEach(() => {
    output = temporaryFolder();
  });

  let trainer: TrainerBase;

  it('puts a grid into the event storage and writes files, the same images each time', async () => {
    trainer = train([predictionPictures({ loader: squareBatches, period: 3, count: 6, columns: 3, enlarge: 2 })], {
      output,
    });
    const reader = trainer.storage.reader();
    await trainer.train();
    expect(await readdir(join(output, 'predictions'))).toEqual(['0000002.png', '0000003.png']);
    const { images } = reader.read();
    reader.close();
    expect(images.map(({ name, iteration, width, height }) => [name, iteration, width, height])).toEqual([
      ['predictions', 2, 3 * 70 + 6, 2 * 70 + 6],
      ['predictions', 3, 3 * 70 + 6, 2 * 70 + 6],
    ]);
  });

  it('draws with each evaluation where it has no period', async () => {
    const pictures = predictionPictures({
      loader: squareBatches,
      count: 1,
      writeFiles: true,
      name: 'seen',
      showTruth: false,
    });
    trainer = train([pictures, watcher([])], { output });
    await trainer.train();
    expect(await readdir(join(output, 'seen'))).toEqual(['0000001.png', '0000003.png']);
  });

  it('says so when there is nothing to show', async () => {
    trainer = train([predictionPictures({ loader: [], period: 1 })], { output });
    await expect(trainer.train()).rejects.toThrow('its loader has no image to show');
  });

  it('keeps the contract of plugins', () =>
    checkPluginContract({
      plugin: () => predictionPictures({ loader: squareBatches, period: 2, count: 1, enlarge: 1 }),
      trainer: (options) => train(options.plugins, options),
      iterations: 3,
    }));
});

/** Evaluates after every other step and notes the results. */
function watcher(seen: Results[]) {
  return definePlugin({
    name: 'watcher',
    version: '1.0.0',
    provides: ['evaluation'],
    requires: { evaluation: evaluationRef },
    setup({ hooks, evaluation }) {
      hooks.afterStep.tap(async (step) => {
        if (step.iteration % 2 === 1) seen.push(await evaluation.run(step));
      });
    },
  })();
}
