import { join } from 'node:path';
import { FORMAT_NAMES } from '@hookline/images';
import { drawSquaresAs, RecordingLogger } from '@hookline/testing';
import { defineTrainer } from '@hookline/trainer';
import { detectionConfig } from './config/detection-config.ts';
import { DetectionTrainer } from './detection-trainer.ts';

const folder = temporaryFolder();

const definition = defineTrainer({
  config: detectionConfig({
    seed: 1,
    capture: 'off',
    model: { width: 8 },
    input: { width: 80, height: 64 },
    solver: { batchSize: 4, maxIterations: 3, warmupIterations: 1 },
    dataloader: { numWorkers: 0 },
    test: { pictures: false, aug: { enabled: false } },
    writers: { tensorboard: false, plots: false },
  }),
  trainer: DetectionTrainer,
});

/** Losses of three steps on data in VOC's format, which the other formats must equal. */
let expected: number[] | undefined;

it.each(FORMAT_NAMES)(
  'three steps on %s: nothing is said but the folder, and the losses are those of every other format',
  async (format) => {
    const root = join(folder, format);
    await drawSquaresAs(format, root);
    const logger = new RecordingLogger();
    const output = join(folder, `run-${format}`);
    const trainer = definition.create({ output, logger, set: [`data.root=${root}`] });
    await trainer.train();
    const losses = trainer.storage
      .history('total_loss')
      .values()
      .map(({ value }) => value);
    const { records, metadata } = await trainer.testData('held-back');
    await trainer.dispose();
    expect(metadata.classes).toEqual(['dark', 'light']);
    expect(records).toHaveLength(4);
    expect(logger.matching('training on')).toEqual(['training on 12 images with 12 dark, 12 light']);
    expect(losses).toHaveLength(3);
    expected ??= losses;
    losses.forEach((loss, step) => expect(loss).toBeCloseTo(expected?.[step] ?? NaN, 4));
  },
);
