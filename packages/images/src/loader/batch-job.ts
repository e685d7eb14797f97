import type { Claimable } from '@hookline/data';
import type { AugmentationSpec } from '../transforms/augmentation-spec.ts';
import type { CollateOptions } from './collate.ts';
import type { DecodeRequest } from './decode-image.ts';

// All of this is plain data: it travels between threads.

/** One sample of a batch to make. */
export interface SampleJob {
  readonly request: DecodeRequest;
  /** Memory of the cache for its decoded image, filled or not: see image-slot.ts. Undefined without a cache. */
  readonly slot: SharedArrayBuffer | undefined;
  /** Boxes of its targets in pixels of the record, four numbers each. */
  readonly boxes: readonly number[];
  readonly classes: readonly number[];
}

/** A batch to make. */
export interface BatchJob extends Claimable {
  readonly samples: readonly SampleJob[];
  /** The random stream of the batch; each sample draws from a stream of its own below it. */
  readonly random: { readonly seed: number; readonly path: string };
  /** Place of each sample in the batch of all ranks, which names its stream. Default: its place in this batch. */
  readonly places?: readonly number[] | undefined;
}

/** Which boxes stay targets after augmentation. */
export interface BoxFilter {
  /** Smallest share of a box that has to be within the image, from 0 to 1. */
  readonly minVisible: number;
  /** Width and height that the visible part of a box has to exceed, in pixels. */
  readonly minSize: number;
}

/** Settings of every batch of a loader. */
export interface BatchSettings extends CollateOptions, BoxFilter {}

/** How a thread makes batches; a thread without a recipe only decodes. */
export interface BatchRecipe {
  readonly settings: BatchSettings;
  readonly augmentations: readonly AugmentationSpec[];
}
