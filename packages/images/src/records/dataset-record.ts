/** A box as left, top, right and bottom edge in pixels (XYXY_ABS): the image spans 0 to its width and height. */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** One object in an image. */
export interface DatasetAnnotation {
  /** Unique within its data set. */
  readonly id: number;
  readonly box: Box;
  /** Index into `classes` of the data set's metadata. */
  readonly category: number;
  /** 1 for a region of many objects: no training target, and ignored by evaluation. */
  readonly iscrowd: 0 | 1;
  /** Pixels that the object covers; that of its mask where the file has one, else that of its box. */
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

/** What holds for a whole data set. */
export interface DatasetMetadata {
  /** Names of the classes, by category. */
  readonly classes: readonly string[];
  /** The file's own category ids, by category; for COCO, which counts with gaps. */
  readonly categoryIds: readonly number[];
  /** How the data set is evaluated. */
  readonly evaluator: 'coco' | 'voc';
  /** The file or folder it came from. */
  readonly source: string;
  /** Set where the format lists no classes: these are the ones that its objects have, sorted. */
  readonly openClasses?: true;
}
