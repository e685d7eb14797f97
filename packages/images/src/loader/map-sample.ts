import type { RandomStream } from '@hookline/core';
import { augment, type Augmentation } from '../transforms/augmentation.ts';
import type { Boxes, Image } from '../transforms/image.ts';
import { ResizeTransform } from '../transforms/resize-transform.ts';
import { TransformList } from '../transforms/transform.ts';
import type { BoxFilter, SampleJob } from './batch-job.ts';
import type { MappedSample } from './detection-batch.ts';

/**
 * Augments a decoded image and its targets, clips the boxes to the image and drops those that `filter` excludes.
 *
 * @param decoded the image at the size that the request asks for
 * @param onAugmentation called before each augmentation with its index
 * @throws HooklineError `HKL_AUGMENTATION_FAILED` with the file's name
 */
export function mapSample(
  { request, boxes: targets, classes }: SampleJob,
  decoded: Image<Uint8Array>,
  augmentations: readonly Augmentation[],
  filter: BoxFilter,
  random: RandomStream,
  onAugmentation?: (index: number) => void,
): MappedSample {
  const { file, sourceWidth, sourceHeight, width, height } = request;
  const shrink = new TransformList(
    width === sourceWidth && height === sourceHeight
      ? []
      : [new ResizeTransform(sourceWidth, sourceHeight, width, height)],
  );
  const boxes = shrink.applyBoxes(Float32Array.from(targets));
  const augmented = augment(augmentations, { image: decoded, boxes }, random, file, onAugmentation);
  const clipped = clipBoxes(augmented.boxes, augmented.image);
  const kept = [...classes.entries()].filter(([index]) => isVisible(augmented.boxes, clipped, index, filter));
  return {
    file,
    image: augmented.image,
    boxes: Float32Array.from(kept.flatMap(([index]) => [...clipped.subarray(index * 4, index * 4 + 4)])),
    classes: kept.map(([, category]) => category),
    transform: new TransformList([shrink, augmented.transform]),
  };
}

/** Clips boxes to their image, whose width and height are in pixels. */
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
