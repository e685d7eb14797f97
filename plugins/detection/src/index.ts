// Models
export { detector, type DetectionBatch, type Detector, type DetectorOptions } from './model/detector.ts';
export {
  residualBackbone,
  type Backbone,
  type BackboneFactory,
  type Feature,
  type ResidualBackboneOptions,
} from './model/backbone.ts';
export { type DenseHead, type DenseOutputs, type HeadFactory, type Objects } from './model/dense-head.ts';
export { fcosHead, type FcosHeadOptions } from './model/fcos-head.ts';

// COCO evaluation
export { evaluateCoco, type CocoEvaluation } from './coco-eval/evaluate-coco.ts';
export { categoryPrecisions, cocoStats, summarizeCoco, type CocoSummary } from './coco-eval/summarize-coco.ts';
export type { AreaRange, CocoParams } from './coco-eval/coco-params.ts';
export type { CocoAnnotation, CocoBox, CocoDetection, CocoGroundTruth } from './coco-eval/coco-types.ts';

// From outputs to detections
export { postprocess, type PostprocessOptions } from './postprocess/postprocess.ts';
export { type Detections, scaleBoxes } from './postprocess/detections.ts';
export { nms } from './postprocess/nms.ts';
