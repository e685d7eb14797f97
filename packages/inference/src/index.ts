export {
  loadDetector,
  type Detection,
  type DetectOptions,
  type DetectResult,
  type LoadedDetector,
} from './detector.ts';
export { loadClassifier, type ClassScore, type LoadedClassifier } from './classifier.ts';
export { InferenceError } from './inference-error.ts';
export type { LoadOptions, OnnxRuntime, TfRuntime } from './runtimes.ts';
export type { PictureSource, Pixels } from './pixels.ts';
