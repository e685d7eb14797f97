import { definePlugin, evaluationRef, type PluginInput, type Results, TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, squareBatches, tinyTraining } from '@hookline/testing';
import { adam, selectDevice, tfjsRuntime } from '@hookline/tfjs';
import { CocoEvaluator, residualBackbone, detector, fcosHead } from '@hookline/vision';
import { detectionTta } from './plugin.ts';

beforeAll(() => selectDevice('auto'));

const truth = {
  records: [...squareBatches()].flatMap(({ records, boxes, classes }) =>
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

describe('detectionTta', () => {
  const tta = (options: Partial<Parameters<typeof detectionTta>[0]> = {}) =>
    detectionTta({ loader: squareBatches, evaluator: new CocoEvaluator({ truth }), ...options });

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

  it('says so when the model is not a detector', async () => {
    const trainer = tinyTraining({ plugins: [tta({ everyEvaluation: true }), watcher([])] });
    await expect(trainer.train()).rejects.toThrow('the model "tiny" is not a detector');
  });

  it('keeps the contract of plugins', () =>
    checkPluginContract({
      plugin: () => tta({ everyEvaluation: true }),
      beside: () => [watcher([])],
      trainer: ({ plugins, output, maxIterations }) => train(plugins, { output, maxIterations }),
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
