import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, posix, relative, resolve, sep } from 'node:path';

/** Endings of picture files, in lower case; of some of them the pixels cannot be decoded, which is told then. */
const PICTURES: ReadonlySet<string> = new Set(
  ['jpg', 'jpeg', 'jpe', 'jfif', 'png', 'webp', 'bmp', 'gif', 'tif', 'tiff', 'avif', 'heic', 'heif', 'jp2', 'jxl'].map(
    (ending) => `.${ending}`,
  ),
);

/** Folders that hold no data: `__MACOSX` is what archives made on a Mac have beside it. */
const SKIPPED = new Set(['__MACOSX', 'node_modules']);

/**
 * The files below a folder, by name. Links are followed where they lead to places inside the folder, or inside another
 * one that is allowed; where they lead elsewhere is remembered.
 */
export class FolderIndex {
  /** As it was given. */
  readonly root: string;
  /** From the root, with `/`, in alphabetical order. */
  readonly files: readonly string[];
  /** Links that lead outside, and where to. */
  readonly outside: ReadonlyMap<string, string>;
  readonly #allowed: readonly string[];
  readonly #all: ReadonlySet<string>;
  #pictureFolders: readonly string[] | undefined;
  readonly #spellings = new Map<string, ReadonlyMap<string, readonly string[]>>();

  private constructor(root: string, files: string[], outside: Map<string, string>, allowed: readonly string[]) {
    this.root = root;
    this.files = files;
    this.outside = outside;
    this.#allowed = allowed;
    this.#all = new Set(files);
  }

  /**
   * Lists a folder and all below it.
   *
   * @param allowed other folders that links may lead to
   * @throws Error of the file system when the folder itself cannot be read
   */
  static async of(root: string, allowed: readonly string[] = []): Promise<FolderIndex> {
    const real = await Promise.all([root, ...allowed].map(async (path) => realpath(path).catch(() => resolve(path))));
    const files: string[] = [];
    const outside = new Map<string, string>();
    const walk = async (prefix: string, above: readonly string[]): Promise<void> => {
      const entries = await readdir(join(root, prefix), { withFileTypes: true });
      for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
        if (entry.name.startsWith('._') || SKIPPED.has(entry.name)) continue;
        let [isFile, isFolder, inside] = [entry.isFile(), entry.isDirectory(), above];
        if (entry.isSymbolicLink()) {
          const target = await realpath(join(root, path)).catch(() => undefined);
          // It leads nowhere.
          if (target === undefined) continue;
          if (!real.some((folder) => isWithin(folder, target))) {
            outside.set(path, target);
            continue;
          }
          const found = await stat(target);
          [isFile, isFolder] = [found.isFile(), found.isDirectory()];
          // A link to a folder that it is in would be followed for ever.
          if (isFolder && above.some((folder) => isWithin(target, folder))) continue;
          inside = [...above, target];
        }
        if (isFile) files.push(path);
        else if (isFolder && !entry.name.startsWith('.')) {
          await walk(path, entry.isSymbolicLink() ? inside : [...above, join(real[0] as string, path)]);
        }
      }
    };
    await walk('', [real[0] as string]);
    return new FolderIndex(root, files.sort(), outside, real);
  }

  /** Whether there is a file of exactly this path. */
  has(path: string): boolean {
    return this.#all.has(path);
  }

  /** Folders that pictures are in, from the root; the root itself is empty. */
  get pictureFolders(): readonly string[] {
    return (this.#pictureFolders ??= [...new Set(this.files.filter(isPicture).map(folderOf))]);
  }

  /** The path on this machine of one from the root. */
  at(path: string): string {
    return join(this.root, path);
  }

  /** A path on this machine from the root, with `/`; undefined when it is not below. */
  from(path: string): string | undefined {
    return isWithin(this.root, path) ? relative(this.root, path).split(sep).join('/') : undefined;
  }

  /** Whether a path, links resolved, is in the folder or in one that is allowed. */
  isAllowed(real: string): boolean {
    return this.#allowed.some((folder) => isWithin(folder, real));
  }

  /** Files whose whole path, name, or name without ending is the given one but for case and the way accents are composed. */
  like(part: 'path' | 'name' | 'stem', text: string): readonly string[] {
    let spellings = this.#spellings.get(part);
    if (spellings === undefined) {
      const found = new Map<string, string[]>();
      for (const file of this.files) {
        // A name without an ending stands for a picture, not for another file that is called so.
        if (part === 'stem' && !isPicture(file)) continue;
        const key = fold(
          part === 'path' ? file : part === 'name' ? posix.basename(file) : posix.basename(stemOf(file)),
        );
        const others = found.get(key);
        if (others === undefined) found.set(key, [file]);
        else others.push(file);
      }
      spellings = found;
      this.#spellings.set(part, spellings);
    }
    return spellings.get(fold(text)) ?? [];
  }
}

/** Whether a path is a folder or something below it. */
export const isWithin = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
};

/** Whether a file is a picture by its name. */
export const isPicture = (file: string): boolean => PICTURES.has(posix.extname(file).toLowerCase());

/** The folder of a file, from the root; the root itself is empty. */
export const folderOf = (file: string): string => file.slice(0, Math.max(0, file.lastIndexOf('/')));

/** A path without the ending of its name. */
export const stemOf = (file: string): string => file.slice(0, file.length - posix.extname(file).length);

/** The same for names that differ in case alone, or in whether an accent is a character of its own. */
export const fold = (text: string): string => text.normalize('NFC').toLowerCase();
