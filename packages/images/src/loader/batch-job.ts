import type { Claimable } from '@hookline/data';
import type { AugmentationSpec } from '../transforms/augmentation-spec.ts';
import type { CollateOptions } from './collate.ts';
import type { DecodeRequest } from './decode-image.ts';

// All of this is plain data, because it is sent between threads.

/** One sample of a batch to make. */
export interface SampleJob {
  readonly request: DecodeRequest;
  /** Memory of the cache for its decoded image, whether filled or not; see image-slot.ts. Undefined without a cache. */
  readonly slot: SharedArrayBuffer | undefined;
  /** Boxes of its targets, four edges each, in pixels of the record's image. */
  readonly boxes: readonly number[];
  readonly classes: readonly number[];
}

/** A batch to make. */
export interface BatchJob extends Claimable {
  readonly samples: readonly SampleJob[];
  /** The random stream of the batch; each sample draws from its own sub-stream. */
  readonly random: { readonly seed: number; readonly path: string };
  /** Index of each sample in the batch of all ranks, which names its sub-stream. @default its index in this batch */
  readonly places?: readonly number[] | undefined;
}

/** The conditions under which a box is still a target after augmentation. */
export interface BoxFilter {
  /** Minimum share of a box, from 0 to 1, that must be within the image. */
  readonly minVisible: number;
  /** The width and height of the visible part of a box must exceed this, in pixels. */
  readonly minSize: number;
}

/** Settings of every batch of a loader. */
export interface BatchSettings extends CollateOptions, BoxFilter {}

/** What a thread needs to make batches; a thread without a recipe only decodes images. */
export interface BatchRecipe {
  readonly settings: BatchSettings;
  readonly augmentations: readonly AugmentationSpec[];
}
