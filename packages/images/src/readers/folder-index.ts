import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, posix, relative, resolve, sep } from 'node:path';

/** Extensions of picture files in lower case. Some formats cannot be decoded, which is reported when they are read. */
const PICTURES: ReadonlySet<string> = new Set(
  ['jpg', 'jpeg', 'jpe', 'jfif', 'png', 'webp', 'bmp', 'gif', 'tif', 'tiff', 'avif', 'heic', 'heif', 'jp2', 'jxl'].map(
    (ending) => `.${ending}`,
  ),
);

/** Folders that hold no data. Archives made on a Mac contain `__MACOSX`. */
const SKIPPED = new Set(['__MACOSX', 'node_modules']);

/**
 * An index of the files below a folder. Links are followed when their target is inside the folder or inside an allowed
 * folder; other links are recorded in {@link outside}.
 */
export class FolderIndex {
  /** The folder as it was given. */
  readonly root: string;
  /** Paths from the root with `/`, sorted. */
  readonly files: readonly string[];
  /** Links that lead outside, with their targets. */
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
   * Lists a folder recursively.
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
          // A dangling link.
          if (target === undefined) continue;
          if (!real.some((folder) => isWithin(folder, target))) {
            outside.set(path, target);
            continue;
          }
          const found = await stat(target);
          [isFile, isFolder] = [found.isFile(), found.isDirectory()];
          // Following a link to a folder that contains it would never end.
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

  /** Paths of the folders that contain pictures, from the root; the root itself is ''. */
  get pictureFolders(): readonly string[] {
    return (this.#pictureFolders ??= [...new Set(this.files.filter(isPicture).map(folderOf))]);
  }

  /** The path on this machine of a path from the root. */
  at(path: string): string {
    return join(this.root, path);
  }

  /** The path from the root, with `/`, of a path on this machine; undefined when that is not below the root. */
  from(path: string): string | undefined {
    return isWithin(this.root, path) ? relative(this.root, path).split(sep).join('/') : undefined;
  }

  /** Whether a path, given with links resolved, is in the folder or in an allowed one. */
  isAllowed(real: string): boolean {
    return this.#allowed.some((folder) => isWithin(folder, real));
  }

  /** Files whose path, name, or name without extension equals `text`, ignoring case and how accents are composed. */
  like(part: 'path' | 'name' | 'stem', text: string): readonly string[] {
    let spellings = this.#spellings.get(part);
    if (spellings === undefined) {
      const found = new Map<string, string[]>();
      for (const file of this.files) {
        // A name without an extension means a picture, not another file of that name.
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

/** Whether `path` is `folder` itself or below it. */
export const isWithin = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
};

/** Whether a file is a picture, judged by its extension. */
export const isPicture = (file: string): boolean => PICTURES.has(posix.extname(file).toLowerCase());

/** The folder of a file, as a path from the root; the root itself is ''. */
export const folderOf = (file: string): string => file.slice(0, Math.max(0, file.lastIndexOf('/')));

/** A path without its extension. */
export const stemOf = (file: string): string => file.slice(0, file.length - posix.extname(file).length);

/** Normalises a name, so that names that differ only in case or in how accents are composed are equal. */
export const fold = (text: string): string => text.normalize('NFC').toLowerCase();
