import { createHash } from 'node:crypto';
import { type Stats, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DatasetRecord } from '../records/dataset-record.ts';
import { readHead } from './read-head.ts';

/** Two files of the same picture. */
export interface SameImage {
  readonly file: string;
  /** The same path, a link to the file, or a copy of it. */
  readonly other: string;
}

/** Bytes at the beginning of a file that are compared before all of it is. */
const HEAD = 4096;
/** Files that are looked at between two turns of other work. */
const AT_A_TIME = 500;

/**
 * Finds the pictures that two data sets share: one file in both, under one name or by a link, or a copy under another name. Files
 * of different sizes are different, so that next to none are read.
 *
 * @returns one entry for each image of `images` that is among `others`; files that are not there are left out
 */
export async function sameImages(
  images: readonly DatasetRecord[],
  others: readonly DatasetRecord[],
): Promise<readonly SameImage[]> {
  const known = await filesBySize(others);
  const found: SameImage[] = [];
  for (const [size, files] of await filesBySize(images)) {
    const alike = known.get(size);
    if (alike === undefined) continue;
    // Of pictures without compression all sizes may be the same.
    const byId = new Map(alike.map((each) => [each.id, each]));
    let byHead: Map<string, Known[]> | undefined;
    for (const each of files) {
      const same = byId.get(each.id);
      if (same === undefined) byHead ??= groupByHead(alike);
      const other = same ?? (await copyOf(each, byHead?.get(headOf(each)) ?? []));
      if (other !== undefined) found.push({ file: each.file, other: other.file });
    }
  }
  return found;
}

interface Known {
  readonly file: string;
  /** The same for all names of one file. */
  readonly id: string;
  /** Hashes of the beginning and of all, once they are needed. */
  head?: string;
  whole?: string;
}

async function filesBySize(records: readonly DatasetRecord[]): Promise<ReadonlyMap<number, Known[]>> {
  const files = new Map<number, Known[]>();
  for (const [place, { file }] of records.entries()) {
    if (place % AT_A_TIME === AT_A_TIME - 1) await nextTurn();
    let found: Stats | undefined;
    try {
      // A tenth of the processor time of the asynchronous one, which counts with a hundred thousand files.
      found = statSync(file, { throwIfNoEntry: false });
    } catch {
      // Whoever decodes it will say why.
    }
    if (found === undefined) continue;
    const { size, dev, ino } = found;
    const known = { file, id: ino === 0 ? file : `${dev}:${ino}` };
    const others = files.get(size);
    if (others === undefined) files.set(size, [known]);
    else others.push(known);
  }
  return files;
}

function groupByHead(files: readonly Known[]): Map<string, Known[]> {
  const groups = new Map<string, Known[]>();
  for (const each of files) {
    const group = groups.get(headOf(each));
    if (group === undefined) groups.set(headOf(each), [each]);
    else group.push(each);
  }
  return groups;
}

/** @param others files that begin alike */
async function copyOf(image: Known, others: readonly Known[]): Promise<Known | undefined> {
  for (const other of others) {
    if ((await wholeOf(image)) === (await wholeOf(other))) return other;
  }
  return undefined;
}

const hash = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('base64');

function headOf(known: Known): string {
  return (known.head ??= hash(readHead(known.file, HEAD) ?? Buffer.from(known.file)));
}

async function wholeOf(known: Known): Promise<string> {
  // A file that cannot be read is like no other one.
  return (known.whole ??= await readFile(known.file).then(hash, () => known.id));
}
