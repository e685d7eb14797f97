import { realpath } from 'node:fs/promises';
import { join, posix, resolve, sep } from 'node:path';
import type { ProblemKind } from './dataset-report.ts';
import { fold, FolderIndex, isWithin, stemOf } from './folder-index.ts';
import { isOfRole, type SplitRole } from './splits.ts';

/** Where an image is, or why it is not used. */
export interface FoundImage {
  /** Its path on this machine; the expected path when nothing was found. */
  readonly file: string;
  /** Set when the annotations use another name than the file has. */
  readonly note?: string;
  /** Why the image is not used. */
  readonly problem?: { readonly kind: ProblemKind; readonly message: string };
}

/** What is known about an image besides its name. */
export interface ImageHints {
  /** Folders that relative names may start from, as paths from the root of the data, the likeliest first. @default the root */
  readonly folders?: readonly string[];
  /** The split of the image, where known: files in the folder of another split do not match. */
  readonly role?: SplitRole | undefined;
  /** Path from the root, without extension, of the image's annotation file. An image of that name is tried last. */
  readonly stem?: string;
}

/**
 * Finds the image files that annotations name, in all the spellings that tools use: with backslashes or `%20`, as a URL,
 * in another case, with composed or decomposed accents, with another extension or none, or as a path of another machine,
 * which matches the file that shares the longest end with it. A name that matches several files equally is a problem.
 */
export class ImageFinder {
  /** The folder of the data, then the other folders that may hold images. */
  readonly #folders: readonly FolderIndex[];

  constructor(folders: readonly FolderIndex[]) {
    this.#folders = folders;
  }

  /**
   * Lists the folder of the data and other folders that may hold images.
   *
   * @param outside folders outside `root`; those inside it are ignored
   */
  static async of(root: string, outside: readonly string[] = []): Promise<ImageFinder> {
    const others = outside.filter((folder) => !isWithin(resolve(root), resolve(folder)));
    const all = [root, ...others];
    return new ImageFinder(await Promise.all(all.map(async (folder) => FolderIndex.of(folder, all))));
  }

  /** The folder of the data. */
  get data(): FolderIndex {
    return this.#folders[0] as FolderIndex;
  }

  /** Finds an image. @param name as written in the annotations; undefined when they name none */
  async find(name: string | undefined, { folders = [''], role, stem }: ImageHints = {}): Promise<FoundImage> {
    // Fast path: most names are exact.
    const plain = name === undefined ? undefined : this.#exactly(name, folders);
    if (plain !== undefined) return { file: plain };
    const spellings = name === undefined ? [] : spellingsOf(name);
    for (const spelling of spellings.slice(1)) {
      const file = this.#exactly(spelling, folders);
      if (file !== undefined) return noted(file, name);
    }
    const expected = this.#expected(spellings, folders, stem);
    // A relative name that leads outside is refused before a similar name is tried. An absolute path may be from another machine.
    const strange = await this.#outside(spellings, folders);
    if (strange !== undefined && !isAbsolutePath(spellings[0] ?? '')) return strange;
    for (const spelling of spellings) {
      const similar = await this.#similar(spelling, folders, role);
      if (similar !== undefined) return similar.length === 1 ? noted(similar[0] as string, name) : several(similar);
    }
    if (strange !== undefined) return strange;
    const own = stem === undefined ? undefined : await this.#byStem(stem, role);
    if (own !== undefined && (name === undefined || own.length === 1))
      return own.length === 1
        ? name === undefined
          ? { file: own[0] as string }
          : noted(own[0] as string, name)
        : several(own);
    return { file: expected };
  }

  #expected(spellings: readonly string[], [folder = '']: readonly string[], stem = ''): string {
    const [, slashed = spellings[0]] = spellings;
    if (slashed === undefined) return this.data.at(stem);
    return isAbsolutePath(slashed) ? slashed : this.data.at(join(folder, slashed));
  }

  #exactly(spelling: string, folders: readonly string[]): string | undefined {
    if (isAbsolutePath(spelling)) {
      for (const index of this.#folders) {
        const path = index.from(spelling);
        if (path !== undefined && index.has(path)) return index.at(path);
      }
      return undefined;
    }
    for (const folder of folders) {
      const path = posix.join(folder, spelling);
      if (this.data.has(path)) return this.data.at(path);
    }
    const other = this.#folders.slice(1).find((index) => index.has(posix.normalize(spelling)));
    return other?.at(posix.normalize(spelling));
  }

  /** Files with the same name, or the same name with another extension, that share the longest path end with the given one. */
  async #similar(
    spelling: string,
    folders: readonly string[],
    role: SplitRole | undefined,
  ): Promise<readonly string[] | undefined> {
    for (const folder of isAbsolutePath(spelling) ? [] : folders) {
      const found = this.data.like('path', posix.join(folder, spelling));
      if (found.length > 0) return this.#different(found.map((path) => this.data.at(path)));
    }
    const name = posix.basename(spelling);
    const like = (part: 'name' | 'stem', text: string): { index: FolderIndex; path: string }[] =>
      this.#folders.flatMap((index) =>
        index
          .like(part, text)
          .filter((path) => isOfRole(path, role))
          .map((path) => ({ index, path })),
      );
    const named = like('name', name);
    const stems = [...new Set([stemOf(name), name])];
    const similar = named.length > 0 ? named : stems.flatMap((text) => like('stem', text));
    if (similar.length === 0) return undefined;
    const common = similar.map(({ path }) => commonEnd(path, spelling));
    const most = Math.max(...common);
    return this.#different(
      similar.filter((_, place) => common[place] === most).map(({ index, path }) => index.at(path)),
    );
  }

  /** The images with the annotation file's name: those beside it, else those anywhere. */
  async #byStem(stem: string, role: SplitRole | undefined): Promise<readonly string[] | undefined> {
    const found = this.data.like('stem', posix.basename(stem)).filter((path) => isOfRole(path, role));
    const beside = found.filter((path) => fold(stemOf(path)) === fold(stem));
    const files = beside.length > 0 ? beside : found;
    return files.length === 0 ? undefined : this.#different(files.map((path) => this.data.at(path)));
  }

  /** Removes duplicates: several links to one file count as one. */
  async #different(files: readonly string[]): Promise<readonly string[]> {
    if (files.length === 1) return files;
    const real = await Promise.all(files.map(async (file) => realpath(file)));
    return files.filter((_, place) => real.indexOf(real[place] as string) === place);
  }

  /** The problem of a file that exists, but outside the folders that may be read. */
  async #outside(spellings: readonly string[], folders: readonly string[]): Promise<FoundImage | undefined> {
    for (const spelling of spellings) {
      // A relative path without a part that begins with a dot can leave the folder only through a link.
      if (!isAbsolutePath(spelling) && !/(^|\/)\./.test(spelling) && this.data.outside.size === 0) continue;
      const paths = isAbsolutePath(spelling)
        ? [spelling]
        : folders.map((folder) => join(this.data.root, folder, spelling));
      for (const path of paths) {
        const real = await realpath(path).catch(() => undefined);
        if (real === undefined || this.#folders.some((index) => index.isAllowed(real))) continue;
        const message = `it is outside of the folder of the data, at ${real}; to allow it, name that folder in data.outside (option \`outside\` of the readers)`;
        return { file: path, problem: { kind: 'image-outside', message } };
      }
    }
    return undefined;
  }
}

/** A found file, with a note unless the name differs from its path only by leading folders. */
const noted = (file: string, name: string | undefined): FoundImage =>
  name !== undefined && file.split(sep).join('/').endsWith(`/${name}`)
    ? { file }
    : { file, note: `the annotations call it "${name ?? ''}"` };

const several = (files: readonly string[]): FoundImage => ({
  file: files[0] as string,
  problem: {
    kind: 'image-ambiguous',
    message: `it is not clear which file is meant: ${files.slice(0, 3).join(', ')}${files.length > 3 ? ' and others' : ''} have this name`,
  },
});

/** The spellings of a name in the order in which they are tried: as it is, with slashes, without a URL's host, unescaped. */
function spellingsOf(name: string): string[] {
  const slashed = name.replaceAll('\\', '/');
  // Label Studio: /data/local-files/?d=images/a.jpg
  const [, query] = /[?&]d=([^&#]+)/.exec(slashed) ?? [];
  const address = slashed.replace(/^file:\/\//i, '').replace(/^https?:\/\/[^/]*\//i, '');
  const plain = address.replace(/[?#].*$/, '');
  const all = [name, slashed, address, ...(query === undefined ? [] : [query]), plain];
  const escaped = all.map((each) => unescaped(each).replaceAll('\\', '/'));
  return [...new Set([...all, ...escaped, ...all.map((each) => each.trim())])].filter((each) => each !== '');
}

function unescaped(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Whether a path is absolute on Unix or on Windows. */
const isAbsolutePath = (path: string): boolean => path.startsWith('/') || /^[a-z]:[/\\]/i.test(path);

/** The number of folders that two paths share at their ends, file names not counted. */
function commonEnd(path: string, other: string): number {
  const [a, b] = [path, other].map((each) => fold(posix.dirname(each)).split('/').reverse()) as [string[], string[]];
  let common = 0;
  while (common < Math.min(a.length, b.length) && a[common] === b[common]) common++;
  return common;
}
