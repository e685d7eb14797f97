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

/** Blood cells (BCCD) in VOC's format: 292 training images, 72 test images, three classes. */
const config = detectionConfig({
  output: 'runs/bccd',
  // Use bfloat16 if the processor is faster with it; the results are the same.
  precision: 'auto',
  datasets: { train: ['trainval'], test: ['test'] },
  // Cells have no orientation.
  input: { width: 160, height: 128, fit: 'stretch', randomFlip: 'both' },
  solver: { batchSize: 16, maxIterations: 1700, baseLr: 0.002 },
  // `auto` would use VOC's metrics, because of the data's format; published results for this data set use COCO's.
  test: { evaluator: 'coco', evalPeriod: 400 },
});

/**
 * The parts that users most often change are written out here, as in DetectionTrainer, except that the keys `model.head`
 * and `dataloader` have no effect. DetectionTrainer builds all other parts.
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
      // Drop objects of which augmentation leaves less than this.
      minVisible: 0.3,
      minSize: 2,
      cache: true,
      random: trainer.random.stream('train-loader'),
    });
  },

  // This plugin is added to the default plugins, which `hookline inspect` lists. It warns when the loss jumps.
  plugins: [anomalyGuard({ gradients: 'off' })],
});
