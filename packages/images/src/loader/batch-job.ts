import type { Claimable } from '@hookline/data';
import type { AugmentationSpec } from '../transforms/augmentation-spec.ts';
import type { CollateOptions } from './collate.ts';
import type { DecodeRequest } from './decode-request.ts';

// All of this is plain data: it travels between threads.

/** One sample of a batch that is to be made. */
export interface SampleJob {
  readonly request: DecodeRequest;
  /** Where its decoded image is kept, or is to be kept: see image-slot.ts. Undefined without a cache. */
  readonly slot: SharedArrayBuffer | undefined;
  /** Edges of its targets in pixels of the record, four for each. */
  readonly boxes: readonly number[];
  readonly classes: readonly number[];
}

/** A batch that is to be made. */
export interface BatchJob extends Claimable {
  readonly samples: readonly SampleJob[];
  /** The stream under which each sample has one of its own. */
  readonly random: { readonly seed: number; readonly path: string };
  /** By which place each sample has its stream; without it, by its own. */
  readonly places?: readonly number[] | undefined;
}

/** Which boxes stay targets after augmentation. */
export interface BoxFilter {
  /** Least share of a box that is still in the image. */
  readonly minVisible: number;
  /** Least width and height that is left of it, in pixels. */
  readonly minSize: number;
}

/** What holds for every batch of a loader. */
export interface BatchSettings extends CollateOptions, BoxFilter {}

/** How the batches of a thread are made; without it a thread only decodes. */
export interface BatchRecipe {
  readonly settings: BatchSettings;
  readonly augmentations: readonly AugmentationSpec[];
}
