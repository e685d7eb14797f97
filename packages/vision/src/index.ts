// Classifiers
export { classifier, type Classifier, type ClassifierOptions } from './classifier.ts';
export { classificationLoss, type ClassificationLossOptions } from './classification-loss.ts';

// Backbones
export { resnet, type ResnetOptions } from './resnet.ts';
export { mobilenetV3Small, type MobilenetV3Options } from './mobilenet-v3.ts';
export { featurePyramid, type FeaturePyramidOptions } from './feature-pyramid.ts';
export {
  FROZEN_OPTIONS,
  type FrozenOptions,
  frozenParts,
  IMAGENET_PIXELS,
  type Backbone,
  type BackboneFactory,
  type Feature,
  type ImageBackbone,
  type ImageBackboneFactory,
  type PixelStatistics,
} from './backbone.ts';
export { normalizePixels } from './normalize-pixels.ts';

// Parts of backbones and heads of one's own
export { Parameters, type Frozen } from './parameters.ts';
export {
  batchNorm,
  conv,
  convNormRelu,
  depthwiseConv,
  hardSigmoid,
  hardSwish,
  maxPool,
  residualBlock,
  sequence,
  upsample,
  type BatchNormOptions,
  type ConvOptions,
  type DepthwiseOptions,
  type Layer,
} from './layers.ts';
export { linearLayer, type LinearOptions } from './linear.ts';
export { torchNames } from './weight-names.ts';
