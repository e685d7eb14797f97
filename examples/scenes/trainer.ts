import {
  DatasetCatalog,
  defineTrainer,
  detectionConfig,
  DetectionTrainer,
  detector,
  fcosHead,
  randomAffine,
  randomBrightness,
  randomContrast,
  readCoco,
  residualBackbone,
  retinaHead,
  z,
} from 'hookline';
import { drawScenes } from './draw/draw-scenes.ts';

const config = detectionConfig(
  {
    output: 'runs/scenes',
    data: { root: 'runs/scenes/data' },
    datasets: { train: ['train'], test: ['test'] },
    // Half the size of the scenes. Images are not flipped, because a mirrored glyph is no longer that glyph.
    input: { width: 128, height: 96, randomFlip: 'none' },
    model: { width: 24 },
    solver: { batchSize: 8, maxIterations: 2000, baseLr: 0.008, warmupIterations: 50 },
    test: { evalPeriod: 1000, aug: { enabled: false } },
  },
  { scenes: { train: z.int().min(1).default(600), test: z.int().min(1).default(80), seed: z.int().default(1) } },
)
  // Steps are slow without native code, so the network and its input are smaller.
  .on('wasm', {
    input: { width: 80, height: 60 },
    model: { width: 16 },
    solver: { maxIterations: 1700, baseLr: 0.01 },
    test: { evalPeriod: 850 },
  });

export default defineTrainer({
  config,
  trainer: DetectionTrainer,

  /** The data sets that `datasets` names. They are files in COCO's format, which are drawn first. */
  async buildCatalog({ data, scenes }, { logger }) {
    const { train, test } = await drawScenes(data.root, scenes, logger);
    return new DatasetCatalog()
      .register('train', () => readCoco({ json: train, strict: true }))
      .register('test', () => readCoco({ json: test, strict: true }));
  },

  async buildModel({ model: { head, width } }, trainer) {
    return detector({
      classNames: await trainer.classNames(),
      backbone: residualBackbone({ widths: [width, 2 * width, 3 * width], channels: 2 * width }),
      // Plain cross entropy (gamma 0) learns to distinguish shapes sooner than focal loss in so short a training.
      head: head === 'fcos' ? fcosHead({ focal: { alpha: 0.5, gamma: 0 } }) : retinaHead(),
    });
  },

  /** The augmentations are mild, because the scenes themselves vary enough. */
  buildAugmentations: () => [
    randomAffine({ scale: 0.15, shift: 0.1 }),
    randomBrightness(0.75, 1.25),
    randomContrast(0.75, 1.25),
  ],
});
