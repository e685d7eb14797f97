import { serveJobs } from '@hookline/data';
import sharp from 'sharp';
import { packTransforms } from '../transforms/pack-transforms.ts';
import { reviveAugmentation } from '../transforms/revive-augmentation.ts';
import type { BatchJob, BatchRecipe } from './batch-job.ts';
import type { BatchFields } from './detection-batch.ts';
import { finishBatch, loadImages } from './make-batch.ts';

/** The result of a job in a thread: a whole batch, or only the images that have no slot. */
export type BatchResult =
  | {
      readonly batch: { readonly fields: BatchFields; readonly transforms: Uint8Array; readonly seconds: number };
      readonly read: number;
    }
  | { readonly pixels: readonly (Uint8Array | undefined)[]; readonly read: number };

serveJobs((recipe: BatchRecipe | undefined) => {
  // The worker threads already run in parallel, so sharp uses one thread each and no cache.
  sharp.concurrency(1);
  sharp.cache(false);
  const augmentations = Promise.all(recipe?.augmentations.map(reviveAugmentation) ?? []);
  // Every job awaits them and reports the error.
  augmentations.catch(() => undefined);
  return {
    async work(job: BatchJob, onSample): Promise<BatchResult> {
      const { images, read } = await loadImages(job.samples, 1, onSample);
      if (recipe === undefined)
        return {
          pixels: images.map(({ data }, place) => (job.samples[place]?.slot === undefined ? data : undefined)),
          read,
        };
      const { transforms, ...batch } = finishBatch(job, images, await augmentations, recipe.settings, onSample);
      return { batch: { ...batch, transforms: packTransforms(transforms) }, read };
    },
    belongings(result) {
      const arrays =
        'batch' in result
          ? [...Object.values(result.batch.fields).map(({ data }) => data), result.batch.transforms]
          : result.pixels.flatMap((data) => data ?? []);
      return arrays.map(({ buffer }) => buffer as ArrayBuffer);
    },
  };
});
