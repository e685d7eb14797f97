import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import { tf, type TrainableModel } from '@hookline/tfjs';
import type { ImageBackboneFactory, PixelStatistics } from '../backbones/backbone.ts';
import { classificationLoss } from './classification-loss.ts';
import { normalizePixels } from '../backbones/backbone.ts';
import { Parameters } from '../layers/parameters.ts';

/** Options of {@link classifier}. */
export interface ClassifierOptions {
  /** The network, such as `resnet({ depth: 18 })`. */
  readonly backbone: ImageBackboneFactory;
  /** Names of the classes by their index. */
  readonly classNames: readonly string[];
  /** Label smoothing: share of the target that is spread evenly over all classes. @default 0 */
  readonly labelSmoothing?: number;
  /** Weight of each class in the loss, for example larger for rare classes. @default 1 for each */
  readonly classWeights?: readonly number[];
  /** Pixel statistics for normalization. @default those that the backbone's pretrained weights expect */
  readonly pixels?: PixelStatistics;
  /**
   * Returns the images of a batch: RGB from 0 to 255, [batch, height, width, 3].
   * @default the batch's `images`, `inputs`, `x` or `xs`
   */
  readonly inputs?: (batch: never) => tf.Tensor;
  /** Returns the classes of a batch, from 0: [batch] or [batch, 1]. @default the batch's `classes`, `labels`, `y` or `ys` */
  readonly labels?: (batch: never) => tf.Tensor;
  /** Name of the model in messages. @default 'classifier' */
  readonly name?: string;
}

const OPTIONS = {
  backbone: true,
  classNames: true,
  labelSmoothing: true,
  classWeights: true,
  pixels: true,
  inputs: true,
  labels: true,
  name: true,
} as const satisfies OptionNames<ClassifierOptions>;

/** An image classifier that can be trained. */
export interface Classifier extends TrainableModel {
  /** Distinguishes a classifier from a detector, which also has class names. */
  readonly task: 'classification';
  /** Names of the classes by their index. */
  readonly classNames: readonly string[];
  /** Returns the images of a batch: [batch, height, width, 3]. @throws HooklineError `HKL_BATCH_INPUTS` for a batch without them */
  inputs(batch: unknown): tf.Tensor;
  /**
   * Computes logits in eval mode unless `training` is set.
   *
   * @param images RGB from 0 to 255, [batch, height, width, 3]
   * @returns float32 [batch, classes], which the caller disposes
   */
  predict(images: unknown): tf.Tensor2D;
}

/**
 * Makes an image classifier: a backbone with its own classification head for the given classes. It is trained by softmax cross
 * entropy and stores the metric `train_accuracy` with each step. The model normalizes the pixels itself.
 *
 * @example classifier({ backbone: resnet({ depth: 18 }), classNames: ['cat', 'dog'], labelSmoothing: 0.1 })
 * @throws HooklineError `HKL_CLASSIFIER_OPTION` for fewer than two classes or invalid weights or smoothing,
 * `HKL_OPTION_UNKNOWN` for a misspelt option
 */
export function classifier(options: ClassifierOptions): Classifier {
  assertKnownOptions('classifier', options, OPTIONS);
  const { backbone: makeBackbone, classNames, labelSmoothing = 0, classWeights, name = 'classifier' } = options;
  checkOptions(options);
  const parameters = new Parameters();
  const backbone = makeBackbone(parameters);
  const head = backbone.head(parameters, classNames.length);
  const { pixels = backbone.pixels } = options;
  const who = `model "${name}"`;
  const inputs = (batch: unknown): tf.Tensor =>
    options.inputs?.(batch as never) ?? pick(batch, ['images', 'inputs', 'x', 'xs'], 'inputs', who);
  const labels = (batch: unknown): tf.Tensor1D =>
    labelsOf(options.labels?.(batch as never) ?? pick(batch, ['classes', 'labels', 'y', 'ys'], 'labels', who), who);
  const logitsOf = (images: tf.Tensor, training: boolean): tf.Tensor2D => {
    const features = backbone.features(normalizePixels(images as tf.Tensor4D, pixels), training);
    return head((features.at(-1) as (typeof features)[number]).tensor, training);
  };
  const model: Classifier = {
    name,
    task: 'classification',
    classNames,
    training: true,
    trainable: () => parameters.trainable,
    state: () => parameters.state,
    batchNorms: () => parameters.batchNorms.filter(({ trainable }) => trainable),
    weightTable: () => backbone.weightTable(),
    inputs,
    losses: (batch, scope) => {
      const logits = logitsOf(inputs(batch), model.training);
      const truth = labels(batch);
      scope?.metric('train_accuracy', tf.equal(tf.argMax(logits, 1), truth).cast('float32').mean().asScalar());
      return classificationLoss(logits, truth, { labelSmoothing, ...(classWeights && { classWeights }) });
    },
    predict: (images) => tf.tidy(() => logitsOf(images as tf.Tensor, model.training)),
  };
  return model;
}

function checkOptions({ classNames, labelSmoothing = 0, classWeights }: ClassifierOptions): void {
  const problem =
    classNames.length < 2
      ? `there are ${classNames.length} classes, and a classifier needs at least 2`
      : !(labelSmoothing >= 0 && labelSmoothing < 1)
        ? `labelSmoothing is ${labelSmoothing}, which is not from 0 to below 1`
        : classWeights !== undefined && classWeights.length !== classNames.length
          ? `there are ${classWeights.length} classWeights for ${classNames.length} classes`
          : classWeights?.some((weight) => !(weight >= 0 && Number.isFinite(weight))) === true
            ? `classWeights must be finite and not negative, not ${classWeights.join(', ')}`
            : undefined;
  if (problem === undefined) return;
  throw new HooklineError('HKL_CLASSIFIER_OPTION', problem, { who: 'classifier', fix: 'Correct its options' });
}

function pick(batch: unknown, names: readonly string[], option: string, who: string): tf.Tensor {
  const fields = (typeof batch === 'object' && batch !== null ? batch : {}) as Readonly<Record<string, unknown>>;
  const found = names.map((each) => fields[each]).find((value): value is tf.Tensor => value instanceof tf.Tensor);
  if (found !== undefined) return found;
  throw new HooklineError('HKL_BATCH_INPUTS', `no ${option} found in the batch (${Object.keys(fields).join(', ')})`, {
    who,
    fix: `Name them ${names.join(', ')}, or say where they are: classifier({ ${option}: (batch) => batch.something, ... })`,
  });
}

/** Checks that there is one class for each image and returns them as [batch]. */
function labelsOf(given: tf.Tensor, who: string): tf.Tensor1D {
  const [batch = 0, ...rest] = given.shape;
  if (given.rank >= 1 && given.size === batch && rest.every((side) => side === 1))
    return given.cast('int32').reshape([batch]);
  throw new HooklineError('HKL_BATCH_INPUTS', `the labels have the shape [${given.shape.join(', ')}]`, {
    who,
    fix: 'Give one class for each image, [batch] or [batch, 1]: classifier({ labels: (batch) => ..., ... })',
  });
}
