// First, so that tfjs's random functions are those that a step can key
import './scope/random-ops.ts';
import './tensor-types.ts';

// tfjs itself, so that a trainer file and Hookline use the same copy
export { default as tf } from '#tfjs';

// Devices
export {
  checkDeviceRequest,
  currentDevice,
  selectDevice,
  usesSlowBackend,
  type SelectDeviceOptions,
} from './device/select-device.ts';
export type { Device, DeviceKind, DeviceRequest } from './device/device.ts';
export { chooseOneDnn, type OneDnnChoice } from './device/onednn.ts';
export { readProcessor, type Processor } from './device/processor.ts';

// Models
export {
  watchableBatchNorm,
  type BatchNorm,
  type BatchStatistics,
  type WatchableBatchNorm,
} from './model/batch-norm.ts';
export {
  countParameters,
  describeModel,
  describeParameters,
  type ParameterCount,
  type ParameterDescription,
} from './model/describe-model.ts';
export { alternatingModel, type AlternatingModel, type AlternatingPart } from './model/alternating-model.ts';
export { batchNormTraining } from './kernels/batch-norm-training.ts';
export type { NormalizedBatch } from './kernels/sync-batch-norm.ts';
export { asModel, type ModelLike } from './model/as-model.ts';
export { capturedModel, predictorOf } from './runners/captured-model.ts';
export { functionModel, type FunctionModelOptions } from './model/function-model.ts';
export { inEvalMode } from './model/in-eval-mode.ts';
export { layersModel, type LayersModelOptions, type TrainableLayersModel } from './model/layers-model.ts';
export { parameterKind, type NamedParameters, type ParameterKind } from './parameters/parameter-kind.ts';
export {
  modelRef,
  modelVariables,
  type ModelLosses,
  type PartModel,
  type TrainableModel,
} from './model/trainable-model.ts';

// Weights of other frameworks
export { saveWeights, type SavedWeights } from './weights/save-weights.ts';
export { loadWeights, type LoadWeightsOptions, type WeightsReport } from './weights/load-weights.ts';
export type { ForeignWeight, WeightLayout, WeightTable } from './model/weight-table.ts';

// Exporting for other programs
export { EXPORT_FORMATS, type ExportFormat } from './export-formats/written-model.ts';
export {
  exportModel,
  exportSourceRef,
  type ExportedEnd,
  type ExportedModel,
  type ExportModelOptions,
  type ExportSource,
} from './export/export-model.ts';
export type { ExportCheck } from './export/check-written.ts';
export type { ExportInput, ExportInputs } from './export-graph/forward-source.ts';

// Optimizers
export { alternatingOptimizer } from './optim/alternating-optimizer.ts';
export { adam, adamW, type AdamOptimizer, type AdamOptions } from './optim/adam.ts';
export { adagrad, type AdagradOptimizer, type AdagradOptions } from './optim/adagrad.ts';
export { BaseOptimizer, type BaseOptimizerOptions, type ParameterUpdate } from './optim/base-optimizer.ts';
export { lamb, type LambOptimizer, type LambOptions } from './optim/lamb.ts';
export { learningRateFactor, type LearningRateFactor } from './optim/learning-rate-factor.ts';
export { lion, type LionOptimizer, type LionOptions } from './optim/lion.ts';
export type { MinimizeOptions } from './optim/minimize.ts';
export { optimizerRef, type MakeVariable, type Optimizer } from './parameters/optimizer.ts';
export {
  parameterGroups,
  type ParameterGroup,
  type ParameterGroupOptions,
  type ParameterOverride,
} from './parameters/parameter-groups.ts';
export { rmsprop, type RmspropOptimizer, type RmspropOptions } from './optim/rmsprop.ts';
export { sgd, type SgdOptimizer, type SgdOptions } from './optim/sgd.ts';
export { tfjsOptimizer, type TfjsOptimizer } from './optim/tfjs-optimizer.ts';

// Data
export {
  batchSourceState,
  type BatchSourceState,
  type DataFingerprint,
  type ResumableData,
} from './batch/batch-position.ts';
export { BatchSource, type BatchSourceOptions, type TimedBatch } from './batch/batch-source.ts';
export { invalidDataError } from './batch/data-errors.ts';
export {
  dataSourceSchema,
  eachBatch,
  openData,
  unreadData,
  unreadDataError,
  type BatchIterable,
  type DataSource,
  type OpenedData,
  type TfDataset,
  type TfIterator,
} from './batch/open-data.ts';
export {
  disposeBatch,
  toDevice,
  type DeviceBatch,
  type HostArray,
  type HostTensorLike,
  type ToDeviceOptions,
} from './batch/device-batch.ts';

// The step
export { createStepRunner, type StepRunnerOptions } from './runners/create-step-runner.ts';
export { CapturedStepRunner, type CapturedRunnerOptions, type CaptureMode } from './runners/captured-runner.ts';
export { CapturedPredictor, type CapturedPredictorOptions } from './runners/captured-predictor.ts';
export { describeGraph, writeGraphEvents } from './runners/inspect-graph.ts';
export { choosePrecision, type Precision, type PrecisionChoice } from './graph/precision.ts';
export { EagerStepRunner, type CheckFinite, type EagerRunnerOptions } from './runners/eager-runner.ts';
export { GradientNotFiniteError } from './gradients/step-figures.ts';
export type { StepInput } from './scope/step-input.ts';
export type { StepRandom } from './scope/step-random.ts';
export { RunnerScope, type RunnerScopeOptions, type ScopeVariable } from './scope/runner-scope.ts';
export { meanOverRanks, ranksOfStep, stepRanksRef, type StepLosses, type StepRanks } from './ranks/step-ranks.ts';
export { stepScopeRef, type StepScope, type StepVariableOptions } from './scope/step-scope.ts';
export { trainingStepRef, type TrainingStep } from './step/training-step-service.ts';
export type { StepVariant, VariantValue } from './scope/step-variant.ts';
export { TrainStep, type ForwardBackward, type StepPart, type TrainStepOptions } from './step/train-step.ts';

// State
export { alignNames } from './variables/align-names.ts';
export { snapshotVariables } from './variables/snapshot-variables.ts';
export {
  groupNames,
  planRestore,
  restoreVariables,
  type Mismatch,
  type RestoreOptions,
  type RestorePlan,
  type RestoreReport,
} from './variables/restore-variables.ts';

// A training with tensors
export { batchSourceRef, trainDataRef } from './batch/batch-services.ts';
export { assertNoParts, forPart } from './training/for-part.ts';
export { savedParts, type SavedPart } from './training/saved-parts.ts';
export { seededInit } from './training/seeded-init.ts';
export {
  TFJS_RUNTIME_OPTIONS,
  tfjsRuntime,
  type Made,
  type TfjsRuntime,
  type TfjsRuntimeOptions,
} from './training/tfjs-runtime.ts';
export { tfjsState } from './training/tfjs-state.ts';

// Several processes
export { allReduceMean } from './ranks/all-reduce.ts';
export { joinRanks } from './ranks/join-ranks.ts';
export { rankEnvironment, type Launcher, type RankEnvironment } from './ranks/rank-environment.ts';
