import { fileURLToPath } from 'node:url';
import { WorkerPool } from '@hookline/data';
import type { BatchJob, BatchRecipe } from './batch-job.ts';
import type { BatchResult } from './serve-batches.ts';

/** Options of {@link BatchPool}. */
export interface BatchPoolOptions {
  /** Number of threads, at least 1. */
  readonly workers: number;
  /** How they make batches; without it they only decode. */
  readonly recipe?: BatchRecipe | undefined;
  /** Whether no augmentation of the user's own runs in the threads. @default false */
  readonly isBuiltIn?: boolean;
  /** Script of the threads. Default: the one beside this file. */
  readonly script?: string;
}

/** The result of a job. */
export type Result = BatchResult;

/** Threads that make batches of images, or decode their images. */
export class BatchPool extends WorkerPool<BatchJob, Result> {
  constructor({ recipe, script, ...options }: BatchPoolOptions) {
    super({
      ...options,
      recipe,
      script: script ?? fileURLToPath(new URL('./batch-worker.mjs', import.meta.url)),
      nameOf: ({ samples }, place) => samples[place]?.request.file,
    });
  }

  /**
   * What the threads are doing, for messages.
   *
   * @param names of the augmentations
   */
  describeBatches(names: readonly string[]): string | undefined {
    return this.describe(({ samples }, place, augmentation) => {
      const what = augmentation < 0 ? 'reading' : `the augmentation "${names[augmentation] ?? augmentation}" of`;
      return `${what} ${samples[place]?.request.file}`;
    });
  }
}
