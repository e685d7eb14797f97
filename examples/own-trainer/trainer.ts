import {
  ArrayLoader,
  ClassificationEvaluator,
  DefaultTrainer,
  defineTrainer,
  evaluator,
  inferenceOnDataset,
  type InferenceModel,
  layersModel,
  modelRef,
  type Results,
  tf,
  type TrainableModel,
} from 'hookline';
import { type DigitBatch, digitFields, loadDigits } from '../digits/load-digits.ts';
import { shiftImages } from '../digits/shift-images.ts';
import { config, makeNet } from '../digits/trainer.ts';

type DigitsConfig = ReturnType<typeof config.resolve>;

/** A trainer in the style of detectron2: a subclass that builds its own parts and adds an evaluation of its own. */
export class DigitsTrainer extends DefaultTrainer<DigitsConfig> {
  override buildModel({ model }: DigitsConfig) {
    return layersModel<DigitBatch>(makeNet(model.width, model.dropout), {
      inputs: ({ image }) => image.toFloat().div(255),
      loss: (logits, { label }) => tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(tf.oneHot(label, 10), logits),
    });
  }

  override async buildTrainLoader({ data, solver }: DigitsConfig) {
    const { train } = await loadDigits(data);
    const random = this.random.stream('train-loader');
    const options = { batchSize: solver.batchSize, shuffle: true, repeat: true, random, transform: shiftImages };
    return new ArrayLoader(digitFields(train), options);
  }

  override async buildTestLoader({ data }: DigitsConfig) {
    return new ArrayLoader(digitFields((await loadDigits(data)).test), { batchSize: 100 });
  }

  override buildEvaluator() {
    return new ClassificationEvaluator({ labels: (batch) => (batch as DigitBatch).label });
  }

  /** Evaluates the mean prediction over shifted copies of each image. The names of its metrics end in `_TTA`. */
  async testWithTTA(): Promise<Results> {
    const model = averageOverShifts(await this.service(modelRef));
    const loader = await this.buildTestLoader(this.config);
    const results = await inferenceOnDataset(model, loader, this.buildEvaluator(), { logger: this.logger });
    return Object.fromEntries(Object.entries(results).map(([name, value]) => [`${name}_TTA`, value]));
  }

  override buildPlugins(complete: DigitsConfig) {
    // A weak reference, so that code which keeps the plugin does not keep the trainer in memory.
    const self = new WeakRef(this);
    const tta = evaluator({ evaluate: () => self.deref()?.testWithTTA() }, { instance: 'tta' });
    return [...super.buildPlugins(complete), tta];
  }
}

const SHIFTS = [
  [0, 0],
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
] as const;

/** Wraps the model so that it predicts the mean of the class probabilities over copies of the image shifted by up to one pixel. */
function averageOverShifts(model: TrainableModel): InferenceModel {
  return {
    name: model.name,
    get training() {
      return model.training;
    },
    set training(value) {
      model.training = value;
    },
    inputs: (batch) => model.inputs?.(batch),
    predict: (images) => {
      const padded = tf.pad(images as tf.Tensor4D, [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ]);
      const { shape } = images as tf.Tensor4D;
      const views = SHIFTS.map(([dx, dy]) => tf.slice(padded, [0, 1 + dy, 1 + dx, 0], shape));
      return tf.addN(views.map((view) => tf.softmax(model.predict?.(view) as tf.Tensor2D))).div(views.length);
    },
  };
}

export default defineTrainer({ config, trainer: DigitsTrainer });
