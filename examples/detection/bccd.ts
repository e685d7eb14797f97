import {
  anomalyGuard,
  defineTrainer,
  detectionConfig,
  DetectionLoader,
  DetectionTrainer,
  detector,
  fcosHead,
  randomAffine,
  randomBrightness,
  randomContrast,
  randomFlip,
  residualBackbone,
} from 'hookline';

/** Blood cells (BCCD): 292 images to learn from, 72 to test on, three classes; in VOC's format. */
const config = detectionConfig({
  output: 'runs/bccd',
  // In bfloat16 where the processor is faster with it; it learns the same.
  precision: 'auto',
  datasets: { train: ['trainval'], test: ['test'] },
  // Cells have neither an upper side nor a left one.
  input: { width: 160, height: 128, fit: 'stretch', randomFlip: 'both' },
  solver: { batchSize: 16, maxIterations: 1700, baseLr: 0.002 },
  // `auto` would take VOC's metrics, by the format of the data; COCO's are those that others publish for them.
  test: { evaluator: 'coco', evalPeriod: 400 },
});

/**
 * The parts that most people change are written out here, as DetectionTrainer has them, without its keys `model.head`
 * and `dataloader`; all others are left to it.
 */
export default defineTrainer({
  config,
  trainer: DetectionTrainer,

  async buildModel({ model: { width } }, trainer) {
    return detector({
      classNames: await trainer.classNames(),
      backbone: residualBackbone({ widths: [width, 2 * width, 3 * width], channels: 2 * width }),
      head: fcosHead(),
    });
  },

  async buildTrainLoader({ input, solver }, trainer) {
    const { records } = await trainer.trainData();
    return new DetectionLoader(records, {
      batchSize: solver.batchSize,
      size: { width: input.width, height: input.height },
      fit: input.fit,
      augmentations: [
        randomFlip({ direction: 'horizontal' }),
        randomFlip({ direction: 'vertical' }),
        randomAffine({ scale: 0.35, shift: 0.15 }),
        randomBrightness(0.75, 1.25),
        randomContrast(0.75, 1.25),
      ],
      // Less of a cell than this, after augmentation, is no help to know it by.
      minVisible: 0.3,
      minSize: 2,
      cache: true,
      random: trainer.random.stream('train-loader'),
    });
  },

  // Besides the default ones, which `hookline inspect` lists: this one warns of losses that jump.
  plugins: [anomalyGuard({ gradients: 'off' })],
});
