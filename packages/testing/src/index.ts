export { checkPluginContract, type ContractOptions } from './check-plugin-contract.ts';
export type { ContractCheck, ContractReport } from './contract/contract-report.ts';
export type { ContractTrainerOptions } from './contract/contract-trainer.ts';
export {
  changedStates,
  isPlausibleChange,
  tryChangedStates,
  type ChangedState,
  type ChangedStateOutcome,
  type ChangedStatesOptions,
} from './changed-states.ts';
export { connectRanks, onRanks, type ConnectedRank } from './connect-ranks.ts';
export { drawSquares } from './draw-squares.ts';
export { drawSquaresAs } from './draw-squares-as.ts';
export { squareBatches } from './square-batches.ts';
export { traceHooks, type TraceEntry } from './hook-trace.ts';
export { RecordingLogger } from './recording-logger.ts';
export { saveAt } from './save-at.ts';
export { scriptedEvaluator } from './scripted-evaluator.ts';
export { type HostBatch, tinyBatches, tinyTraining, type TinyTrainingOptions, weightsOf } from './tiny-training.ts';
export {
  CULPRIT,
  type FaultCase,
  faultCases,
  type FaultResult,
  faultyPlugin,
  runFault,
  TAP_FAULTS,
  type TapFault,
} from './plugin-faults.ts';
