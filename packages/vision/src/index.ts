// Detectors
export {
  detector,
  detectorOf,
  type DetectionTensors,
  type Detector,
  type DetectorOptions,
} from './detector/detector.ts';
export type { DenseHead, DenseOutputs, HeadFactory, Objects } from './detector/dense-head.ts';
export { fcosHead, type FcosHeadOptions } from './detector/fcos-head.ts';
export { retinaHead, type RetinaHeadOptions } from './detector/retina-head.ts';
export type { AnchorOptions } from './detector/anchors.ts';
export type { FocalLossOptions } from './detector/focal-loss.ts';

// Classifiers
export { classifier, type Classifier, type ClassifierOptions } from './classifier/classifier.ts';
export { classificationLoss, type ClassificationLossOptions } from './classifier/classification-loss.ts';

// Backbones
export { residualBackbone, type ResidualBackboneOptions } from './backbones/residual-backbone.ts';
export { resnet, type ResnetOptions } from './backbones/resnet.ts';
export { mobilenetV3Small, type MobilenetV3Options } from './backbones/mobilenet-v3.ts';
export { featurePyramid, type FeaturePyramidOptions } from './backbones/feature-pyramid.ts';
export {
  FROZEN_OPTIONS,
  type FrozenOptions,
  frozenByStage,
  IMAGENET_PIXELS,
  normalizePixels,
  type Backbone,
  type BackboneFactory,
  type Feature,
  type ImageBackbone,
  type ImageBackboneFactory,
  type PixelStatistics,
} from './backbones/backbone.ts';

// Layers for your own backbones and heads
export { Parameters, type Frozen } from './layers/parameters.ts';
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
} from './layers/layers.ts';
export { linearLayer, type LinearOptions } from './layers/linear.ts';
export { torchNames } from './layers/weight-names.ts';

// From outputs to detections
export { postprocess, type PostprocessOptions, postprocessShape } from './postprocess/postprocess.ts';
export { nms, POSTPROCESS_DEFAULTS } from '@hookline/inference/detections';

// Predictions, optionally with test-time augmentation
export { predictImage, type ImagePrediction, type PredictImageOptions } from './prediction/predict-image.ts';
export { predictViews, type TtaOptions } from './prediction/predict-views.ts';
export { boxVoting, type VotingOptions } from './prediction/box-voting.ts';
export type { Flip, View, ViewOptions } from './prediction/views.ts';

// Evaluators for trainings
export { CocoEvaluator, type CocoEvaluatorOptions } from './evaluators/coco-evaluator.ts';
export { VocEvaluator, type VocEvaluatorOptions } from './evaluators/voc-evaluator.ts';
export type { BatchImage } from './evaluators/batch-images.ts';
export {
  type DetectionDataset,
  type DetectionRecord,
  indexTruth,
  type IndexedTruth,
} from './evaluators/detection-dataset.ts';

// COCO's and Pascal VOC's metrics, without a training
export { evaluateCoco, type CocoEvaluation } from './coco-eval/evaluate-coco.ts';
export { categoryPrecisions, cocoStats, summarizeCoco, type CocoSummary } from './coco-eval/summarize-coco.ts';
export { evaluateVoc, type VocEvaluation, type VocOptions } from './coco-eval/voc-ap.ts';
export { readCocoResults, writeCocoResults } from './coco-eval/coco-results.ts';
export type { AreaRange, CocoParams } from './coco-eval/coco-params.ts';
export type { CocoAnnotation, CocoBox, CocoDetection, CocoGroundTruth } from './coco-eval/coco-types.ts';
