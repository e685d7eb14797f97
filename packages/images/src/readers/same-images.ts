import { createHash } from 'node:crypto';
import { type Stats, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DatasetRecord } from '../records/dataset-record.ts';
import { readHead } from './read-head.ts';

/** A picture that occurs in two data sets. */
export interface SameImage {
  readonly file: string;
  /** The same path, a link to the file, or a copy of it. */
  readonly other: string;
}

/** Number of bytes at the beginning of two files that are compared before the whole files are. */
const HEAD = 4096;
/** Number of files checked between two turns of the event loop. */
const AT_A_TIME = 500;

/**
 * Finds the pictures that two data sets share: the same file by the same path or through a link, or a copy of it. Only files of
 * equal size are compared, so hardly any file is read.
 *
 * @returns one entry for each image of `images` that is also in `others`; missing files are ignored
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
    // Uncompressed pictures may all have the same size, so files are looked up by id and by the hash of their beginning.
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
  /** Device and inode, the same for all links to one file; the path where there is no inode. */
  readonly id: string;
  /** Hashes of the beginning and of the whole file, computed when first needed. */
  head?: string;
  whole?: string;
}

async function filesBySize(records: readonly DatasetRecord[]): Promise<ReadonlyMap<number, Known[]>> {
  const files = new Map<number, Known[]>();
  for (const [place, { file }] of records.entries()) {
    if (place % AT_A_TIME === AT_A_TIME - 1) await nextTurn();
    let found: Stats | undefined;
    try {
      // The synchronous call takes a tenth of the processor time, which matters for a hundred thousand files.
      found = statSync(file, { throwIfNoEntry: false });
    } catch {
      // The error is reported when the file is decoded.
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

/** Finds a copy of an image. @param others files with the same beginning */
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
  // A file that cannot be read equals no other file.
  return (known.whole ??= await readFile(known.file).then(hash, () => known.id));
}
