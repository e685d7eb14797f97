// Models of images
export {
  classificationLoss,
  classifier,
  featurePyramid,
  mobilenetV3Small,
  resnet,
  type Backbone,
  type BackboneFactory,
  type Classifier,
  type ClassifierOptions,
  type FeaturePyramidOptions,
  type Frozen,
  type ImageBackbone,
  type ImageBackboneFactory,
  type MobilenetV3Options,
  type PixelStatistics,
  type ResnetOptions,
} from '@hookline/vision';
