import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsoleLogger } from '@hookline/core';
import { functionModel, tf } from '@hookline/tfjs';
import { defineConfig } from './config/define-config.ts';
import { defineTrainer } from './define-trainer.ts';
import { z } from './index.ts';

const definition = defineTrainer({
  config: defineConfig(
    {
      solver: { maxIterations: 1, warmupIterations: 0 },
      capture: 'off',
      writers: { tensorboard: false, plots: false },
      datasets: { test: [] },
    },
    { model: { width: z.int().default(4) }, input: { size: z.int().default(8), fit: z.string().default('pad') } },
  ),
  buildModel({ model: { width } }) {
    const layers = ['first/w', 'second/w', 'third/w'].map((name) => [name, tf.variable(tf.zeros([width]))]);
    const variables = {
      ...(Object.fromEntries(layers) as Record<string, tf.Variable>),
      'last/b': tf.variable(tf.zeros([1])),
    };
    return functionModel({ variables, losses: () => variables['last/b'].square().sum().asScalar() });
  },
  buildTrainLoader: () => [{}],
});

let output: string;
let file: string;
beforeEach(() => {
  output = temporaryFolder();
  file = join(output, 'model_final.safetensors');
});

const create = (...set: string[]) => definition.create({ output, set, logger: new ConsoleLogger({ level: 'silent' }) });

async function train(...set: string[]): Promise<void> {
  const trainer = create(...set);
  await trainer.train();
  await trainer.dispose();
}

it('says which options the run of a checkpoint had that does not fit, to predict and to begin from its weights', async () => {
  await train('model.width=6', 'input.size=16', 'solver.baseLr=0.5');
  await expect(create('input.fit=crop').loadForInference(file)).rejects.toMatchObject({
    code: 'HKL_STATE_MISMATCH',
    who: file,
    fix: 'Give the same --set options as for its training: --set model.width=6 --set input.size=16 --set input.fit=pad (according to the config.json beside it)',
    cause: { code: 'HKL_STATE_MISMATCH' },
  });
  await expect(create(`model.weights=${file}`).resumeOrLoad({ resume: false })).rejects.toMatchObject({
    code: 'HKL_WEIGHTS_MISMATCH',
    fix: 'Give the same --set options as for its training: --set model.width=6 (according to the config.json beside it)',
  });
  await create('model.width=6', 'input.size=32').loadForInference(file);
});

it('does without a config.json', async () => {
  await train('model.width=6');
  await writeFile(join(output, 'config.json'), 'no JSON');
  await expect(create().loadForInference(file)).rejects.toThrow(
    /the model here differs from the one that was saved\. Give the same --set options as for its training\.$/,
  );
  await expect(create().resumeOrLoad({ resume: false, weights: file })).rejects.toMatchObject({
    cause: { code: 'HKL_WEIGHTS_MISMATCH' },
  });
});
