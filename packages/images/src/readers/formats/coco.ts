import { posix } from 'node:path';
import { fold, folderOf } from '../folder-index.ts';
import { readCocoFile } from '../read-coco.ts';
import type { DataFormat, FolderContents } from './data-format.ts';
import { isOfRole, roleWithFolder, splitNames } from '../splits.ts';

const LISTS = ['images', 'annotations', 'categories'];
/** Files beside `instances_*` in COCO's own folder that have no boxes or repeat the same objects. */
const OTHERS = /^(captions|person_keypoints|stuff|panoptic|image_info)_/;

/** COCO's JSON, as written by COCO itself, Roboflow, CVAT, Label Studio, coco-annotator and others. */
export const coco: DataFormat = {
  name: 'coco',
  signs: 'a JSON file with the lists "images", "annotations" and "categories"',
  detect: async (contents) => {
    const like = contents.json.filter(
      ({ outline: { root, keys } }) => root === 'object' && !keys.has('shapes') && LISTS.some((list) => keys.has(list)),
    );
    const lists = like.filter(({ outline: { keys }, whole }) => !whole || LISTS.every((list) => keys.has(list)));
    const hasInstances = lists.some(({ path }) => posix.basename(path).startsWith('instances_'));
    const used = lists.filter(({ path }) => !hasInstances || !OTHERS.test(posix.basename(path)));
    if (used.length === 0) {
      const [near] = like;
      if (near === undefined) return undefined;
      const missing = LISTS.filter((list) => !near.outline.keys.has(list));
      return `${near.path} looks like COCO and has no "${missing.join('", "')}"`;
    }
    const names = splitNames(used.map(({ path }) => path));
    const left = like.filter((file) => !used.includes(file)).map(({ path }) => path);
    return {
      format: 'coco',
      title: 'COCO',
      splits: used.map(({ path }, place) => ({
        name: names[place] as string,
        images: undefined,
        source: path,
        read: (options) =>
          readCocoFile(
            {
              json: contents.finder.data.at(path),
              finder: contents.finder,
              hints: { folders: foldersFor(path, contents), role: roleWithFolder(contents.finder.data, path) },
            },
            options,
          ),
      })),
      remarks: left.length === 0 ? [] : [`left out, since they have no boxes of their own: ${left.join(', ')}`],
    };
  },
};

/** Folders that file names may start from: the stated one, the JSON file's, those named after the split, `images`, the root. */
function foldersFor(json: string, { finder, images }: FolderContents): string[] {
  const role = roleWithFolder(finder.data, json);
  const folders = finder.data.pictureFolders.filter((folder) => isOfRole(`${folder}/x`, role));
  // From `instances_train2017.json`: `train2017` and `train`.
  const last = fold(posix.basename(json, '.json').split('_').at(-1) ?? '');
  const words = [last, last.replace(/\d+$/, '')];
  const called = (names: readonly string[]): string[] =>
    folders.filter((folder) => names.includes(fold(posix.basename(folder))));
  const stated = images === undefined ? [] : [images];
  return [...new Set([...stated, folderOf(json), ...called(words), ...called(['images']), ''])];
}
