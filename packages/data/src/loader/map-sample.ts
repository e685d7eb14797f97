import type { RandomStream } from '@hookline/core';
import type { DatasetRecord } from '../catalog/dataset-record.ts';
import { augment, type Augmentation } from '../transforms/augmentation.ts';
import type { Boxes, Image } from '../transforms/image.ts';
import { ResizeTransform } from '../transforms/resize-transform.ts';
import { TransformList } from '../transforms/transform.ts';
import type { MappedSample } from './detection-batch.ts';

/** Which boxes stay targets after augmentation. */
export interface BoxFilter {
  /** Least share of a box that is still in the image. */
  readonly minVisible: number;
  /** Least width and height that is left of it, in pixels. */
  readonly minSize: number;
}

/** Augments a decoded image and the objects of its record, crowds left out. */
export function mapSample(
  record: DatasetRecord,
  decoded: Image<Uint8Array>,
  augmentations: readonly Augmentation[],
  filter: BoxFilter,
  random: RandomStream,
): MappedSample {
  const { width, height } = decoded;
  const shrink = new TransformList(
    width === record.width && height === record.height
      ? []
      : [new ResizeTransform(record.width, record.height, width, height)],
  );
  const targets = record.annotations.filter(({ iscrowd }) => iscrowd === 0);
  const boxes = shrink.applyBoxes(Float32Array.from(targets.flatMap(({ box }) => box)));
  const augmented = augment(augmentations, { image: decoded, boxes }, random);
  const clipped = clipBoxes(augmented.boxes, augmented.image);
  const kept = targets.flatMap((_, index) => (isVisible(augmented.boxes, clipped, index, filter) ? [index] : []));
  return {
    record,
    image: augmented.image,
    boxes: Float32Array.from(kept.flatMap((index) => [...clipped.subarray(index * 4, index * 4 + 4)])),
    classes: kept.map((index) => targets[index]?.category ?? -1),
    transform: new TransformList([shrink, augmented.transform]),
  };
}

/** Boxes within their image. */
export function clipBoxes(boxes: Boxes, { width, height }: { readonly width: number; readonly height: number }): Boxes {
  return boxes.map((edge, place) => Math.min(Math.max(edge, 0), place % 2 === 0 ? width : height));
}

function isVisible(before: Boxes, after: Boxes, index: number, { minVisible, minSize }: BoxFilter): boolean {
  const [width, height] = sides(after, index);
  const [oldWidth, oldHeight] = sides(before, index);
  return width > minSize && height > minSize && width * height >= minVisible * oldWidth * oldHeight;
}

function sides(boxes: Boxes, index: number): [width: number, height: number] {
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = boxes.subarray(index * 4, index * 4 + 4);
  return [x1 - x0, y1 - y0];
}
