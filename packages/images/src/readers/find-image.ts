import { realpath } from 'node:fs/promises';
import { join, posix, resolve, sep } from 'node:path';
import type { ProblemKind } from './dataset-report.ts';
import { fold, FolderIndex, isWithin, stemOf } from './folder-index.ts';
import { isOfRole, type SplitRole } from './splits.ts';

/** Where an image is, or why it is not used. */
export interface FoundImage {
  /** Its path on this machine; where nothing was found, the one that was expected. */
  readonly file: string;
  /** It is called otherwise in the annotations than on the disk. */
  readonly note?: string;
  readonly problem?: { readonly kind: ProblemKind; readonly message: string };
}

/** What is known of an image beside its name. */
export interface ImageHints {
  /** Folders that relative names may start from, from the root of the data; the likeliest first. */
  readonly folders?: readonly string[];
  /** What the image is for, where that is known: one in the folder of another split is not it. */
  readonly role?: SplitRole | undefined;
  /** Path from the root, without ending, of the file that describes it; tried last. */
  readonly stem?: string;
}

/**
 * Finds the image files that annotations name, in all the ways in which tools spell them: with backslashes or `%20`, as
 * a URL, in another case, with composed or decomposed accents, with another ending or none, and as a path of another
 * machine, of which the longest end that there is counts. A name that fits several files fits none.
 */
export class ImageFinder {
  /** The first is that of the data. */
  readonly #folders: readonly FolderIndex[];

  constructor(folders: readonly FolderIndex[]) {
    this.#folders = folders;
  }

  /**
   * Lists the folder of the data, and others that images may be in.
   *
   * @param outside folders that are not below `root`
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

  /** @param name as the annotations have it; undefined when they name none */
  async find(name: string | undefined, { folders = [''], role, stem }: ImageHints = {}): Promise<FoundImage> {
    // Of most names there is nothing to find out.
    const plain = name === undefined ? undefined : this.#exactly(name, folders);
    if (plain !== undefined) return { file: plain };
    const spellings = name === undefined ? [] : spellingsOf(name);
    for (const spelling of spellings.slice(1)) {
      const file = this.#exactly(spelling, folders);
      if (file !== undefined) return noted(file, name);
    }
    const expected = this.#expected(spellings, folders, stem);
    // A place outside is refused before anything that is only similar is taken for it, unless it is an old path.
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

  /** Files of the same name, or of the same name with another ending, whose paths agree with the given one at the end. */
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

  /** The image beside the file that describes it, or the only one of that name. */
  async #byStem(stem: string, role: SplitRole | undefined): Promise<readonly string[] | undefined> {
    const found = this.data.like('stem', posix.basename(stem)).filter((path) => isOfRole(path, role));
    const beside = found.filter((path) => fold(stemOf(path)) === fold(stem));
    const files = beside.length > 0 ? beside : found;
    return files.length === 0 ? undefined : this.#different(files.map((path) => this.data.at(path)));
  }

  /** Several links to one file are one file. */
  async #different(files: readonly string[]): Promise<readonly string[]> {
    if (files.length === 1) return files;
    const real = await Promise.all(files.map(async (file) => realpath(file)));
    return files.filter((_, place) => real.indexOf(real[place] as string) === place);
  }

  /** A file that there is, but outside of the folders that may be read. */
  async #outside(spellings: readonly string[], folders: readonly string[]): Promise<FoundImage | undefined> {
    for (const spelling of spellings) {
      // By its name alone a path leaves the folder through a link only; those of hidden folders are not listed.
      if (!isAbsolutePath(spelling) && !/(^|\/)\./.test(spelling) && this.data.outside.size === 0) continue;
      const paths = isAbsolutePath(spelling)
        ? [spelling]
        : folders.map((folder) => join(this.data.root, folder, spelling));
      for (const path of paths) {
        const real = await realpath(path).catch(() => undefined);
        if (real === undefined || this.#folders.some((index) => index.isAllowed(real))) continue;
        const message = `it is outside of the folder of the data, at ${real}; name that place to allow it: data.outside (option \`outside\` of the readers)`;
        return { file: path, problem: { kind: 'image-outside', message } };
      }
    }
    return undefined;
  }
}

/** Of a name without its folders there is nothing to say. */
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

/** What a name may mean, in the order in which it is tried: as it is, with slashes, as a URL, with `%20` as a space. */
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

/** Of this kind of machine or of another. */
const isAbsolutePath = (path: string): boolean => path.startsWith('/') || /^[a-z]:[/\\]/i.test(path);

/** How many parts two paths have in common at their ends, the names themselves left out. */
function commonEnd(path: string, other: string): number {
  const [a, b] = [path, other].map((each) => fold(posix.dirname(each)).split('/').reverse()) as [string[], string[]];
  let common = 0;
  while (common < Math.min(a.length, b.length) && a[common] === b[common]) common++;
  return common;
}
