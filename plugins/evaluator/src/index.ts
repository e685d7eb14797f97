// The plugin
export { evaluator } from './plugin.ts';
export type { EvaluateContext, EvaluateFunction, EvaluatorOptions } from './options.ts';

// Evaluating without the plugin
export { inferenceOnDataset, type InferenceModel, type InferenceOptions } from './inference-on-dataset.ts';
export { DatasetEvaluators } from './dataset-evaluators.ts';
export { ClassificationEvaluator, type ClassificationEvaluatorOptions } from './classification-evaluator.ts';

// Results
export { flattenResults } from './flatten-results.ts';
export { printCsvFormat } from './print-csv-format.ts';
export { verifyResults, type ExpectedResult } from './verify-results.ts';
