import { relative, sep } from 'node:path';
import { assertKnownOptions, type OptionNames, writeFileAtomically } from '@hookline/core';
import { categoryRangeError } from '../records/annotation-table.ts';
import type { Box, DatasetMetadata, DatasetRecord } from '../records/dataset-record.ts';

/**
 * Writes a data set in COCO's JSON format, atomically. {@link readCoco} reads it back unchanged.
 *
 * @param path the JSON file
 * @param options.images folder to which the written file names are relative. Default: the names are written as in the records
 * @throws HooklineError `HKL_CATEGORY_RANGE` when a category has no entry in `metadata.categoryIds`, `HKL_OPTION_UNKNOWN`
 */
export async function writeCoco(
  path: string,
  { records, metadata }: { readonly records: readonly DatasetRecord[]; readonly metadata: DatasetMetadata },
  options: { readonly images?: string } = {},
): Promise<void> {
  assertKnownOptions('writeCoco', options, { images: true } satisfies OptionNames<typeof options>);
  const { images } = options;
  const file = {
    info: {},
    licenses: [],
    images: records.map(({ file: name, width, height, imageId }) => ({
      id: imageId,
      file_name: images === undefined ? name : relative(images, name).split(sep).join('/'),
      width,
      height,
    })),
    annotations: records.flatMap(({ imageId, annotations }) =>
      annotations.map(({ id, box, category, iscrowd, area }) => ({
        id,
        image_id: imageId,
        category_id: categoryId(metadata, category, path),
        bbox: sizes(box),
        area,
        iscrowd,
      })),
    ),
    categories: metadata.classes.map((name, category) => ({ id: categoryId(metadata, category, path), name })),
  };
  await writeFileAtomically(path, JSON.stringify(file));
}

const sizes = ([x0, y0, x1, y1]: Box): number[] => [x0, y0, x1 - x0, y1 - y0];

function categoryId({ categoryIds }: DatasetMetadata, category: number, path: string): number {
  const id = categoryIds[category];
  if (id !== undefined) return id;
  throw categoryRangeError(path, category, categoryIds.length);
}
