import type { DatasetRecord } from '../catalog/dataset-record.ts';
import type { Image } from '../transforms/image.ts';
import { DecodePool } from './decode-pool.ts';
import { fitSize, type Fit, type Size } from './fit-size.ts';

/** Options of {@link ImageStore}. */
export interface ImageStoreOptions {
  readonly size?: Size | undefined;
  readonly fit: Fit;
  readonly workers: number;
  readonly cache: boolean;
}

/** Decoded images by index; asks for each file once at a time, and once at all when it keeps them. */
export class ImageStore {
  /** Images read from files. */
  decoded = 0;
  /** Images that were in memory. */
  hits = 0;
  /** Bytes of the images kept. */
  bytes = 0;
  readonly #records: readonly DatasetRecord[];
  readonly #options: ImageStoreOptions;
  readonly #kept = new Map<number, Image<Uint8Array>>();
  readonly #pending = new Map<number, Promise<Image<Uint8Array>>>();
  #pool: DecodePool | undefined;
  #restarts = 0;

  constructor(records: readonly DatasetRecord[], options: ImageStoreOptions) {
    this.#records = records;
    this.#options = options;
  }

  /** Threads that died and were replaced. */
  get restarts(): number {
    return this.#restarts + (this.#pool?.restarts ?? 0);
  }

  /** The image of a record. @throws what {@link DecodePool.decode} raises */
  async get(index: number): Promise<Image<Uint8Array>> {
    const kept = this.#kept.get(index);
    if (kept !== undefined) {
      this.hits++;
      return kept;
    }
    const pending = this.#pending.get(index) ?? this.#decode(index);
    this.#pending.set(index, pending);
    try {
      return await pending;
    } finally {
      if (this.#pending.get(index) === pending) this.#pending.delete(index);
    }
  }

  /** Ends the threads; images in memory stay. The next image starts new ones. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#restarts = this.restarts;
    this.#pool = undefined;
    this.#pending.clear();
    await pool?.close();
  }

  async #decode(index: number): Promise<Image<Uint8Array>> {
    const { size, fit, workers, cache } = this.#options;
    const record = this.#records[index] as DatasetRecord;
    const { width, height } = fitSize(record, size, fit);
    this.#pool ??= new DecodePool({ workers });
    const data = await this.#pool.decode({
      file: record.file,
      sourceWidth: record.width,
      sourceHeight: record.height,
      width,
      height,
      orient: record.orient ?? true,
    });
    const image = { data, width, height, channels: 3 };
    this.decoded++;
    if (cache) {
      this.#kept.set(index, image);
      this.bytes += data.length;
    }
    return image;
  }
}
