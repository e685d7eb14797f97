import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Dataset, writeCoco } from '@hookline/images';
import { indexTruth } from '@hookline/vision';

/**
 * Writes the ground truth as a COCO file with the image ids that evaluators use in their results, so that COCO's tools can
 * evaluate results on data in another format (detectron2's convert_to_coco_json).
 */
export async function writeTruth(path: string, dataset: Dataset): Promise<void> {
  const { imageNumbers } = indexTruth(dataset);
  const records = dataset.records.map((record) => ({ ...record, imageId: imageNumbers.get(record.imageId) as number }));
  await mkdir(dirname(path), { recursive: true });
  await writeCoco(path, { ...dataset, records });
}
