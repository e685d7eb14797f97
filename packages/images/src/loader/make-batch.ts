import { RandomStream } from '@hookline/core';
import type { OnSample } from '@hookline/data';
import { mapLimited } from '../readers/map-limited.ts';
import type { Augmentation } from '../transforms/augmentation.ts';
import type { Image } from '../transforms/image.ts';
import type { TransformList } from '../transforms/transform.ts';
import type { BatchJob, BatchSettings, SampleJob } from './batch-job.ts';
import { collate } from './collate.ts';
import { unreadable } from './decode-file.ts';
import { decodeImage, type DecodeRequest } from './decode-image.ts';
import type { BatchFields } from './detection-batch.ts';
import { isFilled, markFilled, pixelsOf } from './image-slot.ts';
import { mapSample } from './map-sample.ts';

/** Decoded images of a batch. */
export interface LoadedImages {
  readonly images: readonly Image<Uint8Array>[];
  /** Number of images read from files; the others were in their slots. */
  readonly read: number;
}

/** A finished batch. */
export interface MadeBatch {
  readonly fields: BatchFields;
  readonly transforms: readonly TransformList[];
  /** Duration in seconds. */
  readonly seconds: number;
}

/** Makes the image of a sample from its pixels. */
export const imageOf = <P extends Uint8Array>({ width, height }: DecodeRequest, data: P): Image<P> => ({
  ...{ data, width, height },
  channels: 3,
});

/**
 * Loads the images of samples from their slots or their files.
 *
 * @param parallel number of images decoded at a time
 * @throws HooklineError `HKL_IMAGE_UNREADABLE` with the file's name
 */
export async function loadImages(
  samples: readonly SampleJob[],
  parallel: number,
  onSample?: OnSample,
): Promise<LoadedImages> {
  let read = 0;
  const images = await mapLimited(samples, parallel, async ({ request, slot }, place) => {
    onSample?.(place);
    const kept = slot === undefined ? undefined : pixelsOf(slot);
    if (slot !== undefined && kept !== undefined && isFilled(slot)) return imageOf<Uint8Array>(request, kept);
    try {
      const pixels = await decodeImage<ArrayBufferLike>(request, kept);
      if (slot !== undefined) markFilled(slot);
      read++;
      return imageOf(request, pixels);
    } catch (cause) {
      throw unreadable(request.file, cause);
    }
  });
  return { images, read };
}

/**
 * Augments decoded images and collates them into a batch. Equal jobs give equal batches in every thread.
 *
 * @throws HooklineError `HKL_AUGMENTATION_FAILED`, `HKL_BATCH_FRAME`, `HKL_BATCH_BOXES`, each with the file's name
 */
export function finishBatch(
  { samples, random: { seed, path }, places }: BatchJob,
  images: readonly Image<Uint8Array>[],
  augmentations: readonly Augmentation[],
  settings: BatchSettings,
  onSample?: OnSample,
): MadeBatch {
  const begun = performance.now();
  const random = new RandomStream(seed, path);
  const mapped = samples.map((sample, place) => {
    onSample?.(place);
    const image = images[place] as Image<Uint8Array>;
    const own = random.detached(String(places?.[place] ?? place));
    return mapSample(sample, image, augmentations, settings, own, (which) => onSample?.(place, which));
  });
  const fields = collate(mapped, settings);
  return { fields, transforms: mapped.map(({ transform }) => transform), seconds: (performance.now() - begun) / 1000 };
}
