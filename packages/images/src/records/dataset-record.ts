/** A box as left, top, right and bottom edge in pixels (XYXY_ABS): the image spans 0 to its width and height. */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** One object in an image. */
export interface DatasetAnnotation {
  /** Unique within its data set. */
  readonly id: number;
  readonly box: Box;
  /** Index into `classes` of the data set's metadata. */
  readonly category: number;
  /** 1 for a crowd, a region of many objects: no training target, and ignored by evaluation. */
  readonly iscrowd: 0 | 1;
  /** Area in square pixels as stated in the file, usually that of a mask; else that of the box. */
  readonly area: number;
  /** Set on objects that Pascal VOC marks as difficult. */
  readonly difficult?: true;
}

/** One image with its objects. */
export interface DatasetRecord {
  /** Path of the image file. */
  readonly file: string;
  /** Size in pixels; EXIF rotation applied unless `orient` is false. */
  readonly width: number;
  readonly height: number;
  /** Unique within its data set. */
  readonly imageId: number | string;
  /** False when the boxes were drawn on the pixels as stored, so that the EXIF rotation must not be applied. */
  readonly orient?: false;
  readonly annotations: readonly DatasetAnnotation[];
}

/** Metadata of a data set. */
export interface DatasetMetadata {
  /** Class names by category index. */
  readonly classes: readonly string[];
  /** The file's own category ids by category index; COCO's have gaps. */
  readonly categoryIds: readonly number[];
  /** Metrics by which the data set is evaluated by default. */
  readonly evaluator: 'coco' | 'voc';
  /** The file or folder that the data set was read from. */
  readonly source: string;
  /** Set when the format lists no classes, so that `classes` are those that occur in the data, sorted. */
  readonly openClasses?: true;
}
