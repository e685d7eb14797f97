import type { Logger, TrainerBase } from '@hookline/core';
import type { PredictImageOptions } from '@hookline/vision';
import type { ExportSource } from '@hookline/tfjs';

/** The interface of a trainer that the commands need. */
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
  /** Loads a checkpoint for `predict` and `eval`, without reading training data. Default: `load`. */
  loadForInference?(path: string, options: { readonly allowMismatch: readonly string[] }): Promise<void>;
  /** How `hookline predict` prepares images. Default: images are used as they are. `tta` is used only with `--tta`. */
  predictOptions?(): PredictImageOptions | Promise<PredictImageOptions>;
  /** What `hookline export` needs to know about the model; not needed for a tf.layers model. */
  exportSource?(): ExportSource | Promise<ExportSource>;
};

/** Changes to the trainer file's settings for one run. */
export interface TrainerChanges {
  readonly set: readonly string[];
  readonly output?: string;
  readonly device?: string;
  readonly logger: Logger;
}

/** The default export of a trainer file: the result of `defineTrainer`, or any object that creates a trainer. */
export interface TrainerInFile {
  create(changes: TrainerChanges): RunnableTrainer | Promise<RunnableTrainer>;
  /** Like `create`, after the device has been selected; used instead of `create` if present. */
  createOnDevice?(changes: TrainerChanges): Promise<RunnableTrainer>;
}
