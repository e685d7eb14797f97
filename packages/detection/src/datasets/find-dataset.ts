import { resolve } from 'node:path';
import { didYouMean, HooklineError } from '@hookline/core';
import { type Dataset, type DatasetCatalog, readCoco, readVoc } from '@hookline/data';
import type { DetectionConfig } from '../config/detection-config.ts';
import { type DataFolder, lookAtFolder } from './data-folder.ts';
import { ALL, HELD_BACK } from './well-known-names.ts';

/**
 * Reads the data set that an entry of `datasets` names: one of the catalog, a `.json` file in COCO's format below
 * `data.root`, a list of Pascal VOC's `ImageSets/Main`, or `all`.
 *
 * @throws HooklineError `HKL_DATA_ROOT`, `HKL_DATASET_UNKNOWN` with what there is, and those of the readers
 */
export async function findDataset(
  name: string,
  data: DetectionConfig['data'],
  catalog: DatasetCatalog,
): Promise<Dataset> {
  if (catalog.list().includes(name)) return catalog.get(name);
  const { root, images, checkImages, strict } = data;
  const coco = (json: string): Promise<Dataset> =>
    readCoco({
      json: resolve(root, json),
      checkImages,
      strict,
      ...(images !== '' && { images: resolve(root, images) }),
    });
  const voc = (split?: string): Promise<Dataset> =>
    readVoc({ root, checkImages, strict, ...(split !== undefined && { split }), ...(images !== '' && { images }) });

  const folder = await lookAtFolder(root);
  if (folder.lists.includes(name)) return voc(name);
  if (name === ALL) return folder.hasAnnotations ? voc() : coco(onlyJson(folder));
  if (name.endsWith('.json')) return coco(name);
  throw unknown(name, folder, catalog);
}

function onlyJson({ root, json }: DataFolder): string {
  const [first, ...others] = json;
  if (first === undefined) {
    throw new HooklineError(
      'HKL_DATASET_UNKNOWN',
      'it has neither a folder Annotations (Pascal VOC) nor a JSON file (COCO)',
      { who: root, fix: 'Name the folder that holds one of them: --set data.root=FOLDER' },
    );
  }
  if (others.length === 0) return first;
  const train = json.find((file) => file.includes('train')) ?? first;
  const test = json.find((file) => file !== train && /test|val/.test(file)) ?? json.find((file) => file !== train);
  throw new HooklineError(
    'HKL_DATASET_UNKNOWN',
    `it has ${json.length} JSON files (${json.join(', ')}) and no folder Annotations; which ones to train on has to be said`,
    { who: root, fix: `Such as --set datasets.train=${train} --set datasets.test=${test ?? ''}` },
  );
}

function unknown(name: string, { root, lists, json }: DataFolder, catalog: DatasetCatalog): HooklineError {
  const known = [...catalog.list(), ...lists, ...json, ALL, HELD_BACK];
  return new HooklineError('HKL_DATASET_UNKNOWN', `there is no data set "${name}"`, {
    who: root,
    where: 'datasets.train, datasets.test',
    fix: didYouMean(name, known),
  });
}
