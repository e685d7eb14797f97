import {
  CocoEvaluator,
  type DataSource,
  DefaultTrainer,
  DetectionLoader,
  detector,
  fcosHead,
  InferenceSampler,
  type PredictImageOptions,
  presetDetection,
  randomAffine,
  randomBrightness,
  randomContrast,
  randomFlip,
  residualBackbone,
  retinaHead,
} from 'hookline';
import { imagesOf } from './batch-images.ts';
import { type DetectionConfig } from './detection-config.ts';
import { type DetectionData, readDetectionData } from './detection-data.ts';

/** Trains a dense detector on a folder in VOC or COCO format. */
export class DetectionTrainer extends DefaultTrainer<DetectionConfig> {
  #data: Promise<DetectionData> | undefined;

  /** The data sets, read once. */
  data(): Promise<DetectionData> {
    return (this.#data ??= readDetectionData(this.config.data, this.logger));
  }

  /** How `hookline predict` prepares images: as in training. */
  get predictOptions(): PredictImageOptions {
    const { width, height, fit } = this.config.data;
    return { size: { width, height }, fit: fit === 'stretch' ? 'fill' : 'inside' };
  }

  override async buildModel({ model }: DetectionConfig) {
    const { metadata } = (await this.data()).train;
    const [first, second, third] = [1, 2, 3].map((times) => times * model.width) as [number, number, number];
    return detector({
      classNames: metadata.classes,
      backbone: residualBackbone({ widths: [first, second, third], channels: 2 * model.width }),
      head: model.head === 'fcos' ? fcosHead() : retinaHead(),
    });
  }

  override async buildTrainLoader({ data, solver }: DetectionConfig) {
    return new DetectionLoader((await this.data()).train.records, {
      batchSize: solver.batchSize,
      size: { width: data.width, height: data.height },
      fit: data.fit,
      cache: true,
      // Less of an object than this is no help to know it by.
      minVisible: 0.3,
      minSize: 2,
      augmentations: [
        ...FLIPS[data.flips].map((direction) => randomFlip({ direction })),
        randomAffine({ scale: 0.35, shift: 0.15 }),
        randomBrightness(0.75, 1.25),
        randomContrast(0.75, 1.25),
      ],
      random: this.random.stream('train-loader'),
    });
  }

  override async buildTestLoader({ data }: DetectionConfig) {
    const { records } = (await this.data()).test;
    return new DetectionLoader(records, {
      batchSize: 16,
      size: { width: data.width, height: data.height },
      fit: data.fit,
      sampler: new InferenceSampler(records.length),
    });
  }

  override async buildEvaluator({ data }: DetectionConfig) {
    return new CocoEvaluator({ truth: (await this.data()).test, images: imagesOf(data) });
  }

  override buildPreset(config: DetectionConfig) {
    // Weakly, as plugins hold trainers: whoever keeps the plugin does not keep the trainer.
    const self = new WeakRef(this);
    const loader: DataSource = async function* batches() {
      const trainer = self.deref();
      if (trainer !== undefined) yield* await trainer.buildTestLoader(trainer.config);
    };
    return presetDetection({
      defaults: super.buildPreset(config),
      loader,
      judge: lateEvaluator(async () => self.deref()?.buildEvaluator(config)),
      ...(config.test.pictures ? {} : { predictionPictures: false }),
      detectionTta: config.test.tta && { flips: [...VIEWS[config.data.flips]] },
    });
  }
}

const FLIPS = {
  none: [],
  horizontal: ['horizontal'],
  vertical: ['vertical'],
  both: ['horizontal', 'vertical'],
} as const;

/** The views of test-time augmentation: those in which training has shown the images. */
const VIEWS = {
  none: ['none'],
  horizontal: ['none', 'horizontal'],
  vertical: ['none', 'vertical'],
  both: ['none', 'horizontal', 'vertical', 'both'],
} as const;

/** An evaluator that is made, anew, when the evaluation begins: the preset is listed before the data have been read. */
function lateEvaluator(make: () => Promise<CocoEvaluator | undefined>) {
  let made = Promise.resolve<CocoEvaluator | undefined>(undefined);
  return {
    reset: () => {
      made = make();
    },
    process: async (batch: unknown, detections: unknown) => (await made)?.process(batch, detections),
    evaluate: async () => (await made)?.evaluate(),
  };
}
