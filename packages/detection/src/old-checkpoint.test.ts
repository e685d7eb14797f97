import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { drawSquares, RecordingLogger } from '@hookline/testing';
import { defineTrainer } from '@hookline/trainer';
import { detectionConfig } from './config/detection-config.ts';
import { DetectionTrainer } from './detection-trainer.ts';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'checkpoints-0.1.test.fixture');

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

// As version 0.1.0 wrote it, before states had schemas; the weights are zeros, so that the file is small.
it('a checkpoint of a DetectionTrainer of version 0.1.0 loads', async () => {
  const root = join(dir, 'squares');
  await drawSquares(root);
  const file = join(dir, 'old.safetensors');
  await writeFile(file, gunzipSync(await readFile(join(FOLDER, 'detection.safetensors.gz'))));
  const definition = defineTrainer({
    trainer: DetectionTrainer,
    config: detectionConfig({
      seed: 1,
      capture: 'off',
      model: { width: 4 },
      input: { width: 80, height: 64 },
      output: join(dir, 'run'),
      solver: { batchSize: 4, maxIterations: 2, warmupIterations: 1 },
      checkpoint: { period: 1 },
      writers: { tensorboard: false, plots: false },
    }),
  });
  const set = [`data.root=${root}`, 'datasets.train=trainval', 'datasets.test=[]'];
  const trainer = definition.create({ logger: new RecordingLogger('error'), set });
  await trainer.load(file);
  expect(trainer.iteration).toBe(1);
  await trainer.dispose();
});
