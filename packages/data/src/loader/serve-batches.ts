import { parentPort, workerData, type Transferable } from 'node:worker_threads';
import sharp from 'sharp';
import { packError, type PlainError } from '../portable-error.ts';
import { packTransforms } from '../transforms/pack-transforms.ts';
import { reviveAugmentation } from '../transforms/revive-augmentation.ts';
import { claim, type BatchJob, type BatchRecipe } from './batch-job.ts';
import type { BatchFields } from './detection-batch.ts';
import { giveWay } from './give-way.ts';
import { finishBatch, loadImages } from './make-batch.ts';

/** What a thread is started with. */
export interface ThreadSetup {
  /** Without it the thread only decodes. */
  readonly recipe: BatchRecipe | undefined;
  /**
   * Two numbers: the place in its batch of the sample that the thread is at, -1 until it has started; and the place of the
   * augmentation that it is at, -1 while it reads.
   */
  readonly progress: Int32Array;
}

/** What a thread answers to a job: a whole batch, or only its images (those with a slot are there), or why not. */
export type Answer =
  | {
      readonly batch: { readonly fields: BatchFields; readonly transforms: Uint8Array; readonly seconds: number };
      readonly read: number;
    }
  | { readonly pixels: readonly (Uint8Array | undefined)[]; readonly read: number }
  | { readonly error: PlainError }
  /** Somebody else has begun with it. */
  | { readonly taken: true };

const { recipe, progress } = workerData as ThreadSetup;
giveWay();
// The threads are the parallelism; each image in turn, nothing kept.
sharp.concurrency(1);
sharp.cache(false);

const augmentations = Promise.all(recipe?.augmentations.map(reviveAugmentation) ?? []);
// Every job tells of it.
augmentations.catch(() => undefined);

const onSample = (place: number, augmentation = -1): void => {
  Atomics.store(progress, 1, augmentation);
  Atomics.store(progress, 0, place);
};

async function work(job: BatchJob): Promise<Answer> {
  if (!claim(job)) return { taken: true };
  const { images, read } = await loadImages(job.samples, 1, onSample);
  if (recipe === undefined)
    return {
      pixels: images.map(({ data }, place) => (job.samples[place]?.slot === undefined ? data : undefined)),
      read,
    };
  const { transforms, ...batch } = finishBatch(job, images, await augmentations, recipe.settings, onSample);
  return { batch: { ...batch, transforms: packTransforms(transforms) }, read };
}

/** Memory that goes over with the answer instead of being copied. */
function belongings(answer: Answer): Transferable[] {
  if ('error' in answer || 'taken' in answer) return [];
  const arrays =
    'batch' in answer
      ? [...Object.values(answer.batch.fields).map(({ data }) => data), answer.batch.transforms]
      : answer.pixels.flatMap((data) => data ?? []);
  return arrays.map(({ buffer }) => buffer as ArrayBuffer);
}

onSample(0);
let last = Promise.resolve();
parentPort?.on('message', (job: BatchJob) => {
  last = last.then(async () => {
    const answer = await work(job).catch((error: unknown): Answer => ({ error: packError(error) }));
    parentPort?.postMessage(answer, belongings(answer));
  });
});
