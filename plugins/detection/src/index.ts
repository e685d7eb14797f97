// Plugins
export { detectionTta } from './tta/plugin.ts';
export type { DetectionJudge, DetectionTtaOptions } from './tta/options.ts';
export { predictionPictures } from './pictures/plugin.ts';
export type { PredictionPicturesOptions } from './pictures/options.ts';
export { VERSION } from './version.ts';

// Models
export { detector, type DetectionBatch, type Detector, type DetectorOptions } from './model/detector.ts';
export { residualBackbone, type ResidualBackboneOptions } from './model/backbone.ts';
export { type DenseHead, type DenseOutputs, type HeadFactory, type Objects } from './model/dense-head.ts';
export { fcosHead, type FcosHeadOptions } from './model/fcos-head.ts';
export { retinaHead, type RetinaHeadOptions } from './model/retina-head.ts';
export type { AnchorOptions } from './model/anchors.ts';
export type { FocalLossOptions } from './model/focal-loss.ts';

// What backbones and heads of one's own are made of
export {
  batchNorm,
  conv,
  convNormRelu,
  Parameters,
  residualBlock,
  sequence,
  type Backbone,
  type BackboneFactory,
  type ConvOptions,
  type Feature,
  type Layer,
} from '@hookline/vision';

// COCO evaluation
export { evaluateCoco, type CocoEvaluation } from './coco-eval/evaluate-coco.ts';
export { categoryPrecisions, cocoStats, summarizeCoco, type CocoSummary } from './coco-eval/summarize-coco.ts';
export { evaluateVoc, type VocEvaluation, type VocOptions } from './coco-eval/voc-ap.ts';
export { readCocoResults, writeCocoResults } from './coco-eval/coco-results.ts';
export type { AreaRange, CocoParams } from './coco-eval/coco-params.ts';
export type { CocoAnnotation, CocoBox, CocoDetection, CocoGroundTruth } from './coco-eval/coco-types.ts';

// From outputs to detections
export { postprocess, type PostprocessOptions } from './postprocess/postprocess.ts';
export { type Detections, scaleBoxes } from './postprocess/detections.ts';
export { nms } from './postprocess/nms.ts';

// Evaluators
export { CocoEvaluator, type CocoEvaluatorOptions } from './evaluator/coco-evaluator.ts';
export { VocEvaluator, type VocEvaluatorOptions } from './evaluator/voc-evaluator.ts';
export type { BatchImage } from './evaluator/batch-images.ts';
export {
  type DetectionDataset,
  type DetectionRecord,
  indexTruth,
  type IndexedTruth,
} from './evaluator/detection-dataset.ts';

// Test-time augmentation
export { predictViews, type TtaOptions } from './tta/predict-views.ts';
export { boxVoting, type VotingOptions } from './tta/box-voting.ts';
export type { Flip, View, ViewOptions } from './tta/views.ts';

// Pictures
export { predictImage, type ImagePrediction, type PredictImageOptions } from './pictures/predict-image.ts';
export { drawDetections, type DrawOptions } from './pictures/draw-detections.ts';
export { pictureGrid } from './pictures/picture-grid.ts';
export { readPicture, resizePicture, writePicture } from './pictures/picture-file.ts';
export { blankPicture, paste, type Color, type Picture } from './pictures/canvas.ts';
