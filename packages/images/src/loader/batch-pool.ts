import { fileURLToPath } from 'node:url';
import { WorkerPool } from '@hookline/data';
import type { BatchJob, BatchRecipe } from './batch-job.ts';
import type { BatchResult } from './serve-batches.ts';

/** Options of {@link BatchPool}. */
export interface BatchPoolOptions {
  /** Number of threads, at least 1. */
  readonly workers: number;
  /** What the threads need to make batches; without it they only decode images. */
  readonly recipe?: BatchRecipe | undefined;
  /** Whether all augmentations in the threads are of this package. @default false */
  readonly isBuiltIn?: boolean;
  /** Script of the threads. @default the one beside this file */
  readonly script?: string;
}

/** Threads that make batches of images, or decode their images. */
export class BatchPool extends WorkerPool<BatchJob, BatchResult> {
  constructor({ recipe, script, ...options }: BatchPoolOptions) {
    super({
      ...options,
      recipe,
      script: script ?? fileURLToPath(new URL('./batch-worker.mjs', import.meta.url)),
      nameOf: ({ samples }, place) => samples[place]?.request.file,
    });
  }

  /**
   * Describes what the threads are doing, for messages.
   *
   * @param names names of the augmentations
   */
  describeBatches(names: readonly string[]): string | undefined {
    return this.describe(({ samples }, place, augmentation) => {
      const what = augmentation < 0 ? 'reading' : `the augmentation "${names[augmentation] ?? augmentation}" of`;
      return `${what} ${samples[place]?.request.file}`;
    });
  }
}
