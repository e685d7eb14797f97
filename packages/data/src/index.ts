// Data in memory
export {
  ArrayLoader,
  type ArrayBatch,
  type ArrayLoaderOptions,
  type ArrayLoaderState,
  type Fields,
} from './array-loader.ts';
export type { Field, FieldArray, FieldData, FieldInput, NestedNumbers, TensorField } from './as-field.ts';

// Loader whose worker threads prefetch batches
export { DataLoader, type BatchMaker, type DataLoaderOptions, type DataLoaderState } from './loader/data-loader.ts';
export { WorkerPool, type DoJob, type WorkerPoolOptions } from './loader/worker-pool.ts';
export { serveJobs, type JobServer, type OnSample } from './loader/serve-jobs.ts';
export type { Claimable } from './loader/claim.ts';
export { THREAD_NICE } from './loader/give-way.ts';

// Samplers
export type { Sampler, Shard } from './samplers/sampler.ts';
export { TrainingSampler, type TrainingSamplerOptions } from './samplers/training-sampler.ts';
export { RandomSubsetTrainingSampler } from './samplers/random-subset-training-sampler.ts';
export { repeatFactors, RepeatFactorTrainingSampler } from './samplers/repeat-factor-training-sampler.ts';
export { InferenceSampler } from './samplers/inference-sampler.ts';
export { BatchSampler, type BatchSamplerOptions, type BatchSamplerState } from './samplers/batch-sampler.ts';
