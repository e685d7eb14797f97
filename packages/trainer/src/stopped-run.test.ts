import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { controlRef, definePlugin, type Plugin, type PluginInput, readCheckpoint, TrainerBase } from '@hookline/core';
import { presetDefault, type PresetDefaultOptions } from '@hookline/preset-default';
import { RecordingLogger } from '@hookline/testing';

let output: string;
beforeEach(() => {
  output = temporaryFolder();
});

/** Stops the training in the step of one iteration, after all other plugins have run. */
const stopAt = (at: number): Plugin =>
  definePlugin({
    name: 'stop-at',
    version: '1.0.0',
    after: ['writing'],
    requires: { control: controlRef },
    setup({ hooks, control }) {
      hooks.afterStep.tap(({ iteration }) => {
        if (iteration === at) control.stop('enough');
      });
    },
  })();

function make(plugins: readonly PluginInput[] = [], options: PresetDefaultOptions = {}) {
  const evaluated: number[] = [];
  const trainer = new TrainerBase({
    step: () => 1,
    maxIterations: 10,
    output,
    seed: 1,
    logger: new RecordingLogger(),
    plugins: [
      presetDefault({
        writers: { console: false, tensorboard: false },
        checkpointer: { period: 5 },
        bestCheckpointer: { metric: 'score' },
        evaluator: {
          evaluate: ({ step: { iteration } }) => {
            evaluated.push(iteration);
            return { score: iteration };
          },
        },
        ...options,
      }),
      ...plugins,
    ],
  });
  const scores = () => trainer.storage.history('score').values();
  return { trainer, evaluated, scores };
}

const metrics = async () =>
  (await readFile(join(output, 'metrics.json'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>);

describe('a training that is stopped', () => {
  // Iteration 2 is saved only because of the stop; iteration 4 also because of the period.
  it.each([2, 4])(
    'is evaluated at its last step, and its checkpoint holds that: stopped at iteration %i',
    async (at) => {
      const { trainer, evaluated, scores } = make([stopAt(at)]);
      expect(await trainer.train()).toMatchObject({ status: 'stopped', iteration: at + 1, results: { score: at } });
      expect(evaluated).toEqual([at]);
      expect(scores()).toEqual([{ value: at, iteration: at }]);
      expect((await metrics()).map(({ iteration, score }) => [iteration, score])).toEqual(
        Array.from({ length: at + 1 }, (_, iteration) => [iteration, iteration === at ? at : undefined]),
      );

      const resumed = make();
      expect(await resumed.trainer.resumeOrLoad()).toContain(`000000${at}.safetensors`);
      expect(resumed.scores()).toEqual([{ value: at, iteration: at }]);
      await resumed.trainer.train();
      expect(resumed.evaluated).toEqual([9]);
      expect(resumed.scores().map(({ iteration }) => iteration)).toEqual([at, 9]);
      expect((await metrics()).filter(({ score }) => score !== undefined).map(({ iteration }) => iteration)).toEqual([
        at,
        9,
      ]);
    },
  );

  it('has the state of every plugin after that evaluation in its checkpoint', async () => {
    await make([stopAt(2)]).trainer.train();
    const { manifest } = await readCheckpoint(join(output, 'model_0000002.safetensors'));
    expect(manifest.entries['hookline/plugins']?.data).toMatchObject({
      '@hookline/plugin-checkpointer/best': { data: { best: { value: 2, iteration: 2 } } },
      '@hookline/plugin-evaluator': { data: { evaluatedAt: 3 } },
    });
  });

  it('is saved before it is evaluated, and stays saved when that fails', async () => {
    const failing = {
      evaluator: {
        evaluate: async () => {
          expect(await trainer.checkpoints.latest()).toContain('model_0000002');
          throw new Error('no data');
        },
      },
    };
    const { trainer } = make([stopAt(2)], failing);
    await expect(trainer.train()).rejects.toThrow(/no data/);
    expect((await readCheckpoint((await trainer.checkpoints.latest()) ?? '')).manifest.iteration).toBe(3);
  });

  it('is saved and evaluated when another plugin fails at the end, before it or after it', async () => {
    const fails = (name: string, order: object) =>
      definePlugin({
        name,
        version: '1.0.0',
        ...order,
        setup({ hooks }) {
          hooks.afterTrain.tap(() => {
            throw new Error(`${name} is broken`);
          });
        },
      })();
    const { trainer, scores } = make([
      fails('early', { before: ['checkpointing'] }),
      fails('late', { after: ['writing'] }),
      stopAt(2),
    ]);
    const error = (await trainer.train().catch((caught: unknown) => caught)) as AggregateError;
    expect(error.errors).toMatchObject([{ plugin: 'early' }, { plugin: 'late' }]);
    expect(scores()).toEqual([{ value: 2, iteration: 2 }]);
    const resumed = make();
    expect(await resumed.trainer.resumeOrLoad()).toContain('model_0000002');
    expect(resumed.scores()).toEqual([{ value: 2, iteration: 2 }]);
    expect(await metrics()).toHaveLength(3);
  });
});
