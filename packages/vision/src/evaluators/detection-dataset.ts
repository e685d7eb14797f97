import type { DatasetAnnotation, DatasetMetadata, DatasetRecord } from '@hookline/images';
import type { CocoAnnotation, CocoGroundTruth } from '../coco-eval/coco-types.ts';

/** The parts of a data set's record that an evaluation uses. */
export interface DetectionRecord extends Pick<DatasetRecord, 'imageId' | 'width' | 'height'> {
  readonly annotations: readonly Omit<DatasetAnnotation, 'id'>[];
}

/** The parts of a data set that an evaluation uses; every `Dataset` of `@hookline/images` is one. */
export interface DetectionDataset {
  readonly records: readonly DetectionRecord[];
  /** Class names, and the category ids of the data set's own file. @default ids 1, 2, 3, ... */
  readonly metadata: Pick<DatasetMetadata, 'classes'> & Partial<Pick<DatasetMetadata, 'categoryIds'>>;
}

/** Ground truth, with the mapping from image ids and classes to its numbers. */
export interface IndexedTruth {
  readonly truth: CocoGroundTruth;
  /** Image numbers by image id; they equal the ids when all ids are numbers. */
  readonly imageNumbers: ReadonlyMap<number | string, number>;
  /** Category id of each class. */
  readonly categoryIds: readonly number[];
}

/** Indexes ground truth. The classes of a COCO file are its categories in ascending order of their ids. */
export function indexTruth(source: CocoGroundTruth | DetectionDataset): IndexedTruth {
  if (!('records' in source)) {
    return {
      truth: source,
      imageNumbers: new Map(source.images.map(({ id }) => [id, id])),
      categoryIds: source.categories.map(({ id }) => id).sort((a, b) => a - b),
    };
  }
  const { records, metadata } = source;
  const { classes } = metadata;
  const categoryIds: readonly number[] = metadata.categoryIds ?? classes.map((_, index) => index + 1);
  const areNumbers = records.every(({ imageId }) => typeof imageId === 'number');
  const imageNumbers = new Map(
    records.map(({ imageId }, place) => [imageId, areNumbers ? (imageId as number) : place + 1]),
  );
  const annotations = records.flatMap(({ imageId, annotations: objects }) =>
    objects.map(({ box: [x1, y1, x2, y2], category, iscrowd, area, difficult }): CocoAnnotation => ({
      image_id: imageNumbers.get(imageId) as number,
      category_id: categoryIds[category] as number,
      bbox: [x1, y1, x2 - x1, y2 - y1],
      area,
      iscrowd,
      ...(difficult === true ? { difficult } : {}),
    })),
  );
  return {
    truth: {
      images: [...imageNumbers.values()].map((id) => ({ id })),
      categories: classes.map((name, index) => ({ id: categoryIds[index] as number, name })),
      annotations,
    },
    imageNumbers,
    categoryIds,
  };
}
