// Errors
export { HooklineError, PluginError, describeCause, isHooklineError, type ErrorDetails } from './errors.ts';
export { packError, unpackError, type PackedError } from './packed-error.ts';
export { assertKnownNames, assertKnownOptions, pickOptions, type OptionNames } from './known-options.ts';
export { describeValue } from './describe-value.ts';
export { isPlainObject } from './plain-object.ts';
export { didYouMean, suggestName } from './suggest-name.ts';
export { alignColumns, formatDuration, terminalText } from './terminal-text.ts';
export { runAll, throwAll } from './throw-all.ts';
export { VERSION } from './version.ts';

// The trainer and its loop
export { TrainerBase, type TrainResult } from './engine/trainer-base.ts';
export {
  TRAINER_OPTIONS,
  type ResumeOptions,
  type StepFunction,
  type TrainerBaseOptions,
  type TrainerOptions,
  type TrainOptions,
} from './engine/trainer-options.ts';
export type { HookDescription, PluginDescription, TrainerDescription } from './engine/describe-trainer.ts';
export type { ScalarValue, StepContext, StepOutput, StepRunner } from './step-runner.ts';
export { lossNotFinite } from './loss-not-finite.ts';
export { TOTAL_LOSS, totalLossOf } from './total-loss.ts';

// Hooks
export {
  HOOK_TABLE,
  type EngineHooks,
  type EngineHookSet,
  type FailedStepAction,
  type InPart,
  type NamedLosses,
  type NamedTensors,
  type NamedVariables,
  type Outcome,
  type Results,
  type RunContext,
  type StepHooks,
} from './hooks/hook-table.ts';
export {
  asyncSeries,
  asyncSeriesBail,
  asyncSeriesSettled,
  asyncSeriesWaterfall,
  sync,
  syncBail,
  syncWaterfall,
  type HookKind,
  type HookSpec,
  type HookTable,
  type TapFunction,
} from './hooks/hook-spec.ts';
export { HookSet, type HookFacades, type OwnHooks } from './hooks/hook-set.ts';
export { HookSite, type TapObserver } from './hooks/hook-site.ts';
export type { ResultCheck } from './hooks/result-check.ts';
export { type Wait, Waits } from './hooks/waits.ts';
export { Hook, type HookFacade } from './hooks/hook.ts';

// Plugins and presets
export { definePlugin, makePlugin, type InstanceOptions, type PluginFactory } from './plugin/define-plugin.ts';
export {
  isPlugin,
  namesOf,
  shortName,
  type Plugin,
  type PluginDefinition,
  type PluginEntry,
  type PluginIdentity,
  type SetupResult,
  type SetupContext,
} from './plugin/plugin.ts';
export { STANDARD_LABELS, type StandardLabel } from './plugin/labels.ts';
export { definePreset, type PresetDefinition, type PresetFactory } from './preset/define-preset.ts';
export { isPreset, type PluginInput, type Preset } from './preset/preset.ts';
export { resolvePlugins, type PluginGroup } from './preset/resolve-plugins.ts';

// Services
export {
  defineHooks,
  definePluginService,
  defineService,
  optional,
  type AnyServiceRef,
  type HooksToken,
  type Injected,
  type PluginServiceRef,
  type Requirements,
  type Service,
  type ServiceRef,
  type WeakHandle,
  type WeakServiceRef,
} from './container/service-ref.ts';
export { provide, replace, type Provider } from './container/provider.ts';
export {
  checkpointsRef,
  evaluationRef,
  engineHooksRef,
  randomRef,
  stepRunnerRef,
  storageRef,
  tapsRef,
  type TapWatch,
} from './services/core-services.ts';
export { backgroundRef, type Background, type BackgroundTaskOptions } from './services/background.ts';
export {
  commRef,
  communicator,
  drawSeed,
  singleProcess,
  useCommunicator,
  type Communicator,
  type ReduceOperation,
} from './services/communicator.ts';
export { runOf, shareData, type RankShare, type SharedData } from './services/rank-share.ts';
export { gatherFromRanks, onEveryRank, onFirstRank } from './services/ranks.ts';
export { assertSameOnRanks } from './save-load/compare-ranks.ts';
export { controlRef, type Control } from './services/control.ts';
export { isDatasetEvaluator, type DatasetEvaluator } from './services/dataset-evaluator.ts';
export type { Evaluation } from './services/evaluation.ts';
export { ConsoleLogger, loggerRef, type Logger, type LogLevel } from './services/logger.ts';
export { MetricWatch, type MetricWatchOptions } from './services/metric-watch.ts';
export { type Epochs, epochsRef, isPeriod, isPositivePeriod, type Period, PERIOD_RULE } from './services/epochs.ts';
export { outputRef, type OutputFolder } from './services/output-folder.ts';
export { trainerRef, type TrainerView } from './services/trainer-handle.ts';

// State
export type { JsonValue } from './json.ts';
export { defineState, type CheckedPluginState, type PluginState } from './plugin/define-state.ts';
export { documentedOptions, type OptionsInput } from './plugin/documented-options.ts';
export { missingEntry } from './save-load/engine-state.ts';
export { checkState, readPluginState, type StateOrigin } from './save-load/plugin-state.ts';
export { describeDifferences } from './save-load/run-settings.ts';
export type { Checkpoints, SaveOptions, StartedSave } from './services/checkpoints.ts';

// Tensors of whichever runtime is in use
export type { ScalarTensor, Tensor, TensorTypes, Variable } from './tensor-types.ts';

// Random numbers
export { philox, PHILOX_WORDS } from './random/philox.ts';
export { RandomStream } from './random/random-stream.ts';
export { RandomStreams, type RandomStreamsState } from './random/random-streams.ts';

// Event storage
export {
  EventStorage,
  type EventStorageOptions,
  type PutOptions,
  type PutScalarOptions,
} from './events/event-storage.ts';
export { HistoryBuffer, type ScalarSample } from './events/history-buffer.ts';
export type { LazyScalar } from './events/lazy-scalar.ts';
export type { HistogramCounts, HistogramEvent } from './events/histogram.ts';
export type { ImageEvent, ImageInput } from './events/image.ts';
export type { ReaderBatch, ScalarEvent, StorageReader } from './events/storage-reader.ts';

// Checkpoints
export type {
  Checkpoint,
  CheckpointBuilder,
  CheckpointManifest,
  CheckpointView,
  LoadOptions,
  LoadScope,
} from './checkpoint/checkpoint.ts';
export { readCheckpoint, writeCheckpoint } from './checkpoint/checkpoint-file.ts';
export { CHECKPOINT_EXTENSION, listCheckpoints, readTag, writeTag } from './checkpoint/checkpoint-folder.ts';
export { removeStaleTemps, writeFileAtomically } from './files/atomic-file.ts';
export { claimTempName, releaseTempName } from './files/temp-name.ts';
export { cacheFolder } from './files/cache-folder.ts';
export { isAlive } from './files/process-identity.ts';
export { tryLock, type LockAnswer, type LockOwner, type ProcessLock } from './files/process-lock.ts';
export { decodeSafetensors, encodeSafetensors } from './checkpoint/safetensors.ts';
export { openSafetensors, type SafetensorsFile } from './checkpoint/safetensors-file.ts';
export type { HostDType, HostTensor, HostTensorData } from './checkpoint/host-tensor.ts';
