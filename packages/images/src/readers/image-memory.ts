import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeStaleTemps, writeFileAtomically } from '@hookline/core';
import type { ImageHeader } from './image-header.ts';

const VERSION = 1;
/** Minimum number of images for which a file is written: fewer are quickly decoded again. */
const WORTH = 200;

/** File size in bytes, modification time in milliseconds, and the header of an image that decoded without a finding. */
type Entry = readonly [size: number, time: number, header: ImageHeader];

/**
 * Remembers images that were decoded and are sound, keyed by path, file size and modification time. There is one JSON file
 * for each annotation file or folder with at least 200 such images. A missing or unusable JSON file counts as empty. Failing
 * to write it is not an error: the images are then checked again next time.
 */
export class ImageMemory {
  readonly #path: string | undefined;
  #known = new Map<string, Entry>();
  readonly #seen = new Map<string, Entry>();
  #hasNews = false;

  private constructor(path: string | undefined) {
    this.#path = path;
  }

  /**
   * Loads the memory of a source.
   *
   * @param folder folder of the JSON files; with undefined, nothing is remembered
   * @param source annotation file or folder to which the images belong
   */
  static async of(folder: string | undefined, source: string): Promise<ImageMemory> {
    if (folder === undefined) return new ImageMemory(undefined);
    const name = createHash('sha256').update(source).digest('hex').slice(0, 24);
    const memory = new ImageMemory(join(folder, `${name}.json`));
    await memory.#read();
    return memory;
  }

  get(file: string, size: number, time: number): ImageHeader | undefined {
    const entry = this.#known.get(file);
    if (entry?.[0] !== size || entry[1] !== time) return undefined;
    this.#seen.set(file, entry);
    return entry[2];
  }

  set(file: string, size: number, time: number, header: ImageHeader): void {
    if (this.#path === undefined) return;
    const { format, width, height, channels, hasAlpha, orientation } = header;
    this.#seen.set(file, [size, time, { format, width, height, channels, hasAlpha, orientation }]);
    this.#hasNews = true;
  }

  /** Writes the entries that were used or added, if any is new; entries that were not used are dropped. */
  async save(): Promise<void> {
    if (this.#path === undefined || !this.#hasNews || this.#seen.size < WORTH) return;
    const content = JSON.stringify({ version: VERSION, images: Object.fromEntries(this.#seen) });
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      await removeStaleTemps(dirname(this.#path));
      await writeFileAtomically(this.#path, content);
    } catch {
      // The images are checked again next time.
    }
  }

  async #read(): Promise<void> {
    try {
      const { version, images } = JSON.parse(await readFile(this.#path as string, 'utf8')) as Record<string, unknown>;
      if (version !== VERSION || typeof images !== 'object' || images === null) return;
      this.#known = new Map(Object.entries(images).filter((entry): entry is [string, Entry] => isEntry(entry[1])));
    } catch {
      // There is no file yet, or it is truncated.
    }
  }
}

function isEntry(entry: unknown): entry is Entry {
  if (!Array.isArray(entry)) return false;
  const [size, time, header] = entry as [unknown, unknown, Partial<ImageHeader> | undefined | null];
  return (
    typeof size === 'number' &&
    typeof time === 'number' &&
    typeof header?.format === 'string' &&
    [header.width, header.height, header.channels].every((each) => Number.isInteger(each) && (each as number) > 0) &&
    typeof header.hasAlpha === 'boolean'
  );
}
