import { posix } from 'node:path';
import { fold, stemOf } from '../folder-index.ts';
import { readTextHead } from '../read-text.ts';
import { readVocFiles } from '../read-voc.ts';
import type { DataFormat, FolderContents } from './data-format.ts';
import { type FoundSplit, groupBySplit, isOfRole, roleWithFolder } from '../splits.ts';

/** The number of XML files that are inspected; the rest is assumed to be alike. */
const LOOKED_AT = 5;

/** Pascal VOC's XML files, one for each image, wherever they are. */
export const voc: DataFormat = {
  name: 'voc',
  signs: 'XML files with an <annotation> each, in a folder such as Annotations or beside the images',
  detect: async (contents) => {
    const { data } = contents.finder;
    const files = data.files.filter((file) => /\.xml$/i.test(file));
    if (files.length === 0) return undefined;
    const heads = await Promise.all(files.slice(0, LOOKED_AT).map(async (file) => readTextHead(data.at(file), 2048)));
    const sound = heads.filter((head) => /<annotation[\s>]/.test(head));
    if (sound.length === 0 && !files.some((file) => /(^|\/)Annotations\//.test(file)))
      return `${files[0] ?? ''} is XML, and its root is not <annotation>`;
    const lists = data.files.filter((file) => /(^|\/)ImageSets\/Main\/[^/]+\.txt$/.test(file));
    const homes = [...new Set(lists.map((list) => posix.join(posix.dirname(list), '../..')))];
    if (homes.length > 1)
      return `it has ${homes.length} folders in the format of Pascal VOC: ${homes.join(', ')}; name one of them`;
    const splits = lists.length > 0 ? listed(contents, homes[0] as string, lists) : byFolder(contents, files);
    return { format: 'voc', title: 'Pascal VOC', splits, remarks: [] };
  },
};

/** One split for each list of `ImageSets/Main`, and `all` for every annotated image. */
function listed(contents: FolderContents, home: string, lists: readonly string[]): FoundSplit[] {
  const { data } = contents.finder;
  const own = data.files.filter((file) => /\.xml$/i.test(file) && (home === '.' || file.startsWith(`${home}/`)));
  const standard = posix.join(home, 'Annotations');
  const inside = own.filter((file) => file.startsWith(`${standard}/`));
  const count = (inside.length > 0 ? inside : own).length;
  const from = inside.length > 0 ? standard : commonFolder(own);
  const images = imageFolders(contents, from);
  const split = (name: string, number: number | undefined, list?: string): FoundSplit => ({
    name,
    images: number,
    source: list ?? from,
    read: (options) =>
      readVocFiles(
        { finder: contents.finder, annotations: from, images, ...(list !== undefined && { list }) },
        options,
      ),
  });
  return [...lists.map((list) => split(posix.basename(stemOf(list)), undefined, list)), split('all', count)];
}

/** The splits when there are no lists: the folders named like splits, else everything as one. */
function byFolder(contents: FolderContents, files: readonly string[]): FoundSplit[] {
  return [...groupBySplit(files)].map(([name, paths]) => {
    const folder = commonFolder(paths);
    return {
      name,
      images: paths.length,
      source: folder === '' ? '.' : folder,
      read: (options) =>
        readVocFiles(
          { finder: contents.finder, annotations: folder, images: imageFolders(contents, folder), files: paths },
          options,
        ),
    };
  });
}

/** Folders that may hold the images: the stated one, JPEGImages, the annotations' folder, and any other beside it. */
function imageFolders({ finder, images }: FolderContents, annotations: string): string[] {
  const home = posix.dirname(annotations);
  const base = home === '.' ? '' : home;
  const role = roleWithFolder(finder.data, `${annotations}/x`);
  const beside = finder.data.pictureFolders.filter(
    (folder) => folder.startsWith(base === '' ? '' : `${base}/`) && isOfRole(`${folder}/x`, role),
  );
  const known = beside.filter((folder) => fold(posix.basename(folder)) === 'jpegimages');
  return [...new Set([...(images === undefined ? [] : [images]), ...known, annotations, ...beside])].map((folder) =>
    folder === '.' ? '' : folder,
  );
}

/** The deepest folder that contains all files. */
function commonFolder(files: readonly string[]): string {
  const [first = [], ...others] = files.map((file) => file.split('/').slice(0, -1));
  let length = first.length;
  for (const other of others) {
    let same = 0;
    while (same < length && first[same] === other[same]) same++;
    length = same;
  }
  return first.slice(0, length).join('/');
}
