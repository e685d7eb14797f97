import type { CocoAnnotation, CocoGroundTruth } from '../coco-eval/coco-types.ts';

/** One image of a data set with its objects; loaders of detection data give records of this form. */
export interface DetectionRecord {
  readonly imageId: number | string;
  /** Of the image as it is stored, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly annotations: readonly {
    /** Corners x1, y1, x2, y2 in pixels. */
    readonly box: readonly [number, number, number, number];
    /** Class, from 0. */
    readonly category: number;
    readonly iscrowd: 0 | 1;
    readonly area: number;
    readonly difficult?: true;
  }[];
}

/** A data set to evaluate on. */
export interface DetectionDataset {
  readonly records: readonly DetectionRecord[];
  readonly metadata: {
    /** Names of the classes. */
    readonly classes: readonly string[];
    /** Category id of each class in the data set's own file. @default 1, 2, 3, ... */
    readonly categoryIds?: readonly number[];
  };
}

/** Ground truth with what leads from a record to it. */
export interface IndexedTruth {
  readonly truth: CocoGroundTruth;
  /** Numbers of the images by their ids; where all ids are numbers, they are the same. */
  readonly imageNumbers: ReadonlyMap<number | string, number>;
  /** Category id of each class. */
  readonly categoryIds: readonly number[];
}

/** Ground truth of records, or of a COCO file, whose classes are its categories in ascending order of their ids. */
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
