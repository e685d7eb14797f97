import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeStaleTemps, writeFileAtomically } from '@hookline/core';
import type { ImageHeader } from './image-header.ts';

const VERSION = 1;
/** Fewer images than this are decoded sooner than a folder of such files would be tidied up. */
const WORTH = 200;

/** Size in bytes, time of the last change in milliseconds, and what was found in a file that is sound to its last pixel. */
type Entry = readonly [size: number, time: number, header: ImageHeader];

/**
 * Remembers images that were decoded and are sound, by their size and the time of their last change, in one JSON file for
 * each file or folder of annotations that has at least 200 of them. A file that is missing, or cannot be used, remembers nothing; one that cannot be
 * written is no error: the images are looked at again next time.
 */
export class ImageMemory {
  readonly #path: string | undefined;
  #known = new Map<string, Entry>();
  readonly #seen = new Map<string, Entry>();
  #hasNews = false;

  private constructor(path: string | undefined) {
    this.#path = path;
  }

  /** @param folder in which it is kept; without it nothing is remembered */
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

  /** Writes what is known now, if any of it is new; what was not asked for is forgotten. */
  async save(): Promise<void> {
    if (this.#path === undefined || !this.#hasNews || this.#seen.size < WORTH) return;
    const content = JSON.stringify({ version: VERSION, images: Object.fromEntries(this.#seen) });
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      await removeStaleTemps(dirname(this.#path));
      await writeFileAtomically(this.#path, content);
    } catch {
      // Then they are looked at again.
    }
  }

  async #read(): Promise<void> {
    try {
      const { version, images } = JSON.parse(await readFile(this.#path as string, 'utf8')) as Record<string, unknown>;
      if (version !== VERSION || typeof images !== 'object' || images === null) return;
      this.#known = new Map(Object.entries(images).filter((entry): entry is [string, Entry] => isEntry(entry[1])));
    } catch {
      // There is none yet, or one that was cut short.
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
