import type { DatasetRecord } from '../records/dataset-record.ts';
import type { Pixels } from '../transforms/image.ts';
import type { TransformList } from '../transforms/transform.ts';

/** A typed array with its shape, from which the runtime makes a tensor. */
export interface HostField<A extends Float32Array | Int32Array | Uint8Array> {
  readonly data: A;
  readonly shape: number[];
  readonly dtype: 'float32' | 'int32';
}

/** Records and transforms of the samples of a batch. It is a class, so that the runtime does not convert it to tensors. */
export class BatchSamples {
  readonly records: readonly DatasetRecord[];
  #transforms: readonly TransformList[] | (() => readonly TransformList[]);

  /** @param transforms one list per sample, or a function that makes them when first needed */
  constructor(
    records: readonly DatasetRecord[],
    transforms: readonly TransformList[] | (() => readonly TransformList[]),
  ) {
    this.records = records;
    this.#transforms = transforms;
  }

  /**
   * Transforms from pixels of each record's image to those of the batch; the inverses map predictions back.
   *
   * @throws HooklineError `HKL_TRANSFORM_FOREIGN` when a thread used a transform of a user-defined class
   */
  get transforms(): readonly TransformList[] {
    if (typeof this.#transforms === 'function') this.#transforms = this.#transforms();
    return this.#transforms;
  }
}

/** A batch of images with their objects. B images, at most M objects in one. */
export interface DetectionBatch {
  /** RGB from 0 to 255, [B, height, width, 3]; smaller images are at the top left. */
  readonly images: HostField<Float32Array | Uint8Array>;
  /** Edges x0, y0, x1, y1 in pixels of `images`, [B, M, 4]; 0 for padding. */
  readonly boxes: HostField<Float32Array>;
  /** Class indices, [B, M]; -1 for padding. */
  readonly classes: HostField<Int32Array>;
  /** Number of objects in each image, [B]. */
  readonly counts: HostField<Int32Array>;
  /** Height and width of each image without padding, [B, 2]. */
  readonly sizes: HostField<Int32Array>;
  readonly samples: BatchSamples;
}

/** The arrays of a batch. */
export type BatchFields = Omit<DetectionBatch, 'samples'>;

/** An augmented sample, ready to be put into a batch. */
export interface MappedSample {
  readonly file: string;
  readonly image: { readonly data: Pixels; readonly width: number; readonly height: number };
  readonly boxes: Float32Array;
  readonly classes: readonly number[];
  readonly transform: TransformList;
}
