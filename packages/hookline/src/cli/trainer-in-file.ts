import type { Logger, TrainerBase } from '@hookline/core';
import type { PredictImageOptions } from '@hookline/vision';
import type { ExportSource } from '@hookline/tfjs';

/** A trainer as the commands use it. */
export type RunnableTrainer = Pick<
  TrainerBase,
  | 'train'
  | 'describe'
  | 'service'
  | 'load'
  | 'resumeOrLoad'
  | 'evaluate'
  | 'dispose'
  | 'outputDir'
  | 'iteration'
  | 'maxIterations'
  | 'checkpoints'
> & {
  readonly config?: unknown;
  /** Loads a checkpoint without reading training data, for `predict` and `eval`; `load` where it is left out. */
  loadForInference?(path: string, options: { readonly allowMismatch: readonly string[] }): Promise<void>;
  /** How `hookline predict` prepares images; as they are, where it is left out. Its `tta` is used with `--tta` alone. */
  predictOptions?(): PredictImageOptions | Promise<PredictImageOptions>;
  /** What `hookline export` needs to know of the model; a tf.layers model says it itself. */
  exportSource?(): ExportSource | Promise<ExportSource>;
};

/** What differs from the file in one run. */
export interface TrainerChanges {
  readonly set: readonly string[];
  readonly output?: string;
  readonly device?: string;
  readonly logger: Logger;
}

/** What a trainer file exports: that of `defineTrainer`, or anything that makes a trainer. */
export interface TrainerInFile {
  create(changes: TrainerChanges): RunnableTrainer | Promise<RunnableTrainer>;
  /** The same, by the device that is chosen; takes the place of `create`. */
  createOnDevice?(changes: TrainerChanges): Promise<RunnableTrainer>;
}
