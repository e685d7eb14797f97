import type { DatasetRecord } from '../records/dataset-record.ts';
import type { Pixels } from '../transforms/image.ts';
import type { TransformList } from '../transforms/transform.ts';

/** A typed array with its shape, which the runtime turns into a tensor. */
export interface HostField<A extends Float32Array | Int32Array | Uint8Array> {
  readonly data: A;
  readonly shape: number[];
  readonly dtype: 'float32' | 'int32';
}

/** Records and transforms of the samples of a batch. It is a class so that the runtime leaves it on the host. */
export class BatchSamples {
  readonly records: readonly DatasetRecord[];
  #transforms: readonly TransformList[] | (() => readonly TransformList[]);

  /** @param transforms the transforms, or what makes them when they are asked for */
  constructor(
    records: readonly DatasetRecord[],
    transforms: readonly TransformList[] | (() => readonly TransformList[]),
  ) {
    this.records = records;
    this.#transforms = transforms;
  }

  /**
   * From the pixels of each record to those of the batch; the inverse brings predictions back.
   *
   * @throws HooklineError `HKL_TRANSFORM_FOREIGN` where a thread decided on a transform of a class of its own
   */
  get transforms(): readonly TransformList[] {
    if (typeof this.#transforms === 'function') this.#transforms = this.#transforms();
    return this.#transforms;
  }
}

/** A batch of images with their objects. B images, at most M objects in one. */
export interface DetectionBatch {
  /** [B, height, width, 3], values 0 to 255, red first; images smaller than that are at the top left. */
  readonly images: HostField<Float32Array | Uint8Array>;
  /** [B, M, 4], edges in pixels of `images`; 0 beyond the count. */
  readonly boxes: HostField<Float32Array>;
  /** [B, M], categories; -1 beyond the count. */
  readonly classes: HostField<Int32Array>;
  /** [B], objects of each image. */
  readonly counts: HostField<Int32Array>;
  /** [B, 2], height and width of each image without what was added to fill the batch. */
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
