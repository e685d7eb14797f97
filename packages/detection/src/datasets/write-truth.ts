import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Dataset, writeCoco } from '@hookline/images';
import { indexTruth } from '@hookline/vision';

/**
 * Writes what there is to find as a COCO file, with the numbers that images have in the results of evaluators, so that
 * COCO's tools can evaluate those of data that come in another format (detectron2's convert_to_coco_json).
 */
export async function writeTruth(path: string, dataset: Dataset): Promise<void> {
  const { imageNumbers } = indexTruth(dataset);
  const records = dataset.records.map((record) => ({ ...record, imageId: imageNumbers.get(record.imageId) as number }));
  await mkdir(dirname(path), { recursive: true });
  await writeCoco(path, { ...dataset, records });
}
