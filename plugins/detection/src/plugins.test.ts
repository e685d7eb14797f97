import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definePlugin, evaluationRef, type PluginInput, type Results, TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, tinyTraining } from '@hookline/testing';
import { adam, selectDevice, tfjsRuntime } from '@hookline/tfjs';
import { CocoEvaluator } from './evaluator/coco-evaluator.ts';
import { residualBackbone } from './model/backbone.ts';
import { detector } from './model/detector.ts';
import { fcosHead } from './model/fcos-head.ts';
import { squares } from './model/squares.test.fixture.ts';
import { predictionPictures } from './pictures/plugin.ts';
import { detectionTta } from './tta/plugin.ts';

beforeAll(() => selectDevice('auto'));

const truth = {
  records: [...squares()].flatMap(({ records, boxes, classes }) =>
    records.map((record, image) => {
      const box = [...boxes.data.subarray(image * 8, image * 8 + 4)].map((side) => side * 2) as [
        number,
        number,
        number,
        number,
      ];
      const area = (box[2] - box[0]) * (box[3] - box[1]);
      return {
        ...record,
        annotations: [{ box, category: classes.data[image * 2] as number, iscrowd: 0 as const, area }],
      };
    }),
  ),
  metadata: { classes: ['dark', 'light'] },
};

function train(plugins: readonly PluginInput[], { maxIterations = 4, output = 'unused' } = {}): TrainerBase {
  const runtime = tfjsRuntime({
    model: () =>
      detector({
        classNames: truth.metadata.classes,
        backbone: residualBackbone({ widths: [8, 8], channels: 8 }),
        head: fcosHead({ convs: 1 }),
      }),
    optimizer: (model) => adam(model, { learningRate: 0.01 }),
    data: squares,
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

describe('detectionTta', () => {
  const tta = (options: Partial<Parameters<typeof detectionTta>[0]> = {}) =>
    detectionTta({ loader: squares, evaluator: new CocoEvaluator({ truth }), ...options });

  it('adds its results to the last evaluation, under the names of the evaluator', async () => {
    const seen: Results[] = [];
    const trainer = train([tta(), watcher(seen)]);
    await trainer.train();
    expect(Object.keys(seen[0] ?? {})).toEqual([]);
    expect(Object.keys(seen.at(-1) ?? {})).toEqual(['bbox_TTA']);
    expect(Object.keys(seen.at(-1)?.['bbox_TTA'] ?? {})).toContain('AP50');
  });

  it('runs with every evaluation where it is told to, and nests', async () => {
    const seen: Results[] = [];
    await train([tta({ everyEvaluation: true, name: 'squares', scales: [1, 1.5] }), watcher(seen)]).train();
    expect(seen.map((results) => Object.keys(results))).toEqual([['squares_TTA'], ['squares_TTA']]);
  });

  it('runs at the end of a training that was stopped', async () => {
    const seen: Results[] = [];
    const stopping = definePlugin({
      name: 'stopping',
      version: '1.0.0',
      provides: ['evaluation'],
      requires: { evaluation: evaluationRef },
      setup({ hooks, evaluation }) {
        hooks.afterStep.tap(() => {
          trainer.stop('enough');
        });
        hooks.afterTrain.tap(async ({ iteration }) => {
          seen.push(await evaluation.run({ iteration, startIteration: 0, maxIterations: 9 }));
        });
      },
    })();
    const trainer = train([tta(), stopping], { maxIterations: 9 });
    await trainer.train();
    expect(Object.keys(seen[0] ?? {})).toEqual(['bbox_TTA']);
  });

  it('says so when the model is no detector', async () => {
    const trainer = tinyTraining({ plugins: [tta({ everyEvaluation: true }), watcher([])] });
    await expect(trainer.train()).rejects.toThrow('the model "tiny" is no detector');
  });

  it('keeps the contract of plugins', () =>
    checkPluginContract({
      plugin: () => tta({ everyEvaluation: true }),
      beside: () => [watcher([])],
      trainer: ({ plugins, output, maxIterations }) => train(plugins, { output, maxIterations }),
      iterations: 3,
    }));
});

describe('predictionPictures', () => {
  let output = '';
  beforeEach(async () => {
    output = await mkdtemp(join(tmpdir(), 'hookline-detection-'));
  });
  afterEach(() => rm(output, { recursive: true }));

  let trainer: TrainerBase;

  it('puts a grid into the event storage and writes files, the same images each time', async () => {
    trainer = train([predictionPictures({ loader: squares, period: 3, count: 6, columns: 3, enlarge: 2 })], { output });
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
      loader: squares,
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
      plugin: () => predictionPictures({ loader: squares, period: 2, count: 1, enlarge: 1 }),
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
