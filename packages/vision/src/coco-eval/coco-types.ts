/** A box as COCO writes it: left, top, width, height, in pixels. */
export type CocoBox = readonly [x: number, y: number, width: number, height: number];

/** One object of the ground truth, as in COCO's JSON. */
export interface CocoAnnotation {
  readonly image_id: number;
  readonly category_id: number;
  readonly bbox: CocoBox;
  /** Area in square pixels, which determines the size class: that of its segmentation, or that of its box. */
  readonly area: number;
  /** 1 for a crowd: a box around many objects, which any number of detections may match. */
  readonly iscrowd: number;
}

/** Ground truth as in COCO's JSON. Other fields of a COCO file are ignored. */
export interface CocoGroundTruth {
  readonly images: readonly { readonly id: number }[];
  readonly categories: readonly { readonly id: number; readonly name: string }[];
  readonly annotations: readonly CocoAnnotation[];
}

/** One detection, as in COCO's results JSON. */
export interface CocoDetection {
  readonly image_id: number;
  readonly category_id: number;
  readonly bbox: CocoBox;
  /** Confidence; a higher score comes first. */
  readonly score: number;
}
