// Trainers, from the whole to the bare loop
export {
  defineTrainer,
  DefaultTrainer,
  isTrainerDefinition,
  SimpleTrainer,
  type BuildFunctions,
  type DefaultTrainerOptions,
  type SimpleTrainerOptions,
  type TrainerDefinition,
  type TrainerFile,
  type TrainerOverrides,
} from '@hookline/trainer';
export {
  TrainerBase,
  type Outcome,
  type Results,
  type RunContext,
  type ScalarValue,
  type StepContext,
  type StepFunction,
  type StepOutput,
  type StepRunner,
  type TrainerBaseOptions,
  type TrainerDescription,
  type TrainerOptions,
  type TrainerView,
  type TrainResult,
} from '@hookline/core';

// Config
export {
  autoScale,
  configRef,
  defineConfig,
  evaluatorsRef,
  testLoaderRef,
  z,
  type BaseConfig,
  type BaseConfigInput,
  type Config,
  type ConfigDefinition,
  type ConfigExtension,
  type ConfigInput,
  type MakeEvaluators,
  type TestLoader,
} from '@hookline/trainer';

// tfjs, devices, models and optimizers
export {
  adam,
  adamW,
  BaseOptimizer,
  countParameters,
  currentDevice,
  describeModel,
  disposeBatch,
  functionModel,
  inEvalMode,
  layersModel,
  modelRef,
  optimizerRef,
  parameterGroups,
  seededInit,
  selectDevice,
  sgd,
  stepScopeRef,
  tf,
  tfjsOptimizer,
  tfjsRuntime,
  toDevice,
  trainDataRef,
  type AdamOptions,
  type BatchIterable,
  type CaptureMode,
  type DataSource,
  type Device,
  type DeviceBatch,
  type DeviceKind,
  type DeviceRequest,
  type FunctionModelOptions,
  type HostTensorLike,
  type LayersModelOptions,
  type ModelLosses,
  type Optimizer,
  type ParameterGroup,
  type ParameterGroupOptions,
  type ParameterOverride,
  type Precision,
  type ResumableData,
  type SelectDeviceOptions,
  type SgdOptions,
  type StepScope,
  type TrainableLayersModel,
  type TrainableModel,
} from '@hookline/tfjs';

// Data
export {
  ArrayLoader,
  type ArrayBatch,
  type ArrayLoaderOptions,
  type ArrayLoaderState,
  type Field,
  type FieldArray,
  type Fields,
} from '@hookline/data';

// Writing plugins, presets and services
export {
  asyncSeries,
  asyncSeriesBail,
  asyncSeriesWaterfall,
  checkpointsRef,
  controlRef,
  defineHooks,
  definePlugin,
  definePluginService,
  definePreset,
  defineService,
  evaluationRef,
  HOOK_TABLE,
  loggerRef,
  optional,
  outputRef,
  phasesRef,
  provide,
  randomRef,
  replace,
  STANDARD_LABELS,
  stepRunnerRef,
  storageRef,
  sync,
  syncBail,
  syncWaterfall,
  tapsRef,
  trainerRef,
  type CheckpointBuilder,
  type Checkpoints,
  type CheckpointView,
  type Control,
  type Evaluation,
  type FailedStepAction,
  type JsonValue,
  type NamedLosses,
  type NamedTensors,
  type NamedVariables,
  type OutputFolder,
  type Plugin,
  type PluginDefinition,
  type PluginInput,
  type PluginParts,
  type PluginState,
  type Preset,
  type Provider,
  type ServiceRef,
  type SetupContext,
  type StandardLabel,
} from '@hookline/core';

// Errors, messages, random numbers
export {
  ConsoleLogger,
  HooklineError,
  isHooklineError,
  PluginError,
  RandomStream,
  VERSION,
  type Logger,
  type LogLevel,
} from '@hookline/core';

// The default preset, and plugins
export { presetDefault, type PresetDefaultOptions } from '@hookline/preset-default';
export { anomalyGuard, type AnomalyGuardOptions, type AnomalyReport } from '@hookline/plugin-anomaly-guard';
export { callback, type CallbackOptions } from '@hookline/plugin-callback';
export {
  bestCheckpointer,
  checkpointer,
  type BestCheckpointerOptions,
  type CheckpointerOptions,
} from '@hookline/plugin-checkpointer';
export { earlyStopping, type EarlyStoppingOptions } from '@hookline/plugin-early-stopping';
export { ema, emaRef, type Ema, type EmaOptions } from '@hookline/plugin-ema';
export {
  ClassificationEvaluator,
  DatasetEvaluators,
  evaluator,
  flattenResults,
  inferenceOnDataset,
  type InferenceModel,
  printCsvFormat,
  verifyResults,
  type ClassificationEvaluatorOptions,
  type DatasetEvaluator,
  type EvaluatorOptions,
  type ExpectedResult,
} from '@hookline/plugin-evaluator';
export { gradientAccumulation, type GradientAccumulationOptions } from '@hookline/plugin-gradient-accumulation';
export { gradientClipping, type GradientClippingOptions } from '@hookline/plugin-gradient-clipping';
export { iterationTimer, type IterationTimerOptions } from '@hookline/plugin-iteration-timer';
export {
  composite,
  constant,
  cosine,
  custom,
  exponential,
  linear,
  lrScheduler,
  lrScheduleRef,
  multiStep,
  polynomial,
  scheduleFromConfig,
  stepWithFixedGamma,
  warmup,
  warmupCosine,
  warmupMultiStep,
  warmupPoly,
  type LrSchedulerOptions,
  type Schedule,
} from '@hookline/plugin-lr-scheduler';
export { memoryStats, type MemoryStatsOptions } from '@hookline/plugin-memory-stats';
export { plots, type PlotsOptions } from '@hookline/plugin-plots';
export { preciseBn, updateBnStats, type PreciseBnOptions } from '@hookline/plugin-precise-bn';
export { profiler, type ProfilerOptions } from '@hookline/plugin-profiler';
export {
  writers,
  writersHooks,
  type WriteBatch,
  type Writer,
  type WriterRun,
  type WritersOptions,
} from '@hookline/plugin-writers';
