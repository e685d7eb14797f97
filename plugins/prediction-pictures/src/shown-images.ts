import { type DataSource, tf, eachBatch } from '@hookline/tfjs';
import type { DetectionTensors, Detector } from '@hookline/vision';
import { type Picture, type Size, toImagePixels } from '@hookline/images';
import { sourcePicture } from './source-picture.ts';

/** An image of a batch on the host. */
export interface ShownImage {
  /** The network's input. */
  readonly input: Picture;
  /** The picture to draw on: the image's file if the batch names it, otherwise `input`. */
  readonly picture: Picture;
  /** The size at which `input` shows `picture`. */
  readonly seen: Size;
  /** Corners of its objects in pixels of `picture`, four numbers each; empty if the batch has no boxes. */
  readonly truth: Float32Array;
}

/** The first images of a source. */
export async function firstImages(
  model: Pick<Detector, 'inputs'>,
  source: DataSource,
  count: number,
): Promise<ShownImage[]> {
  const shown: ShownImage[] = [];
  await eachBatch(source, async (batch) => {
    const images = model.inputs(batch);
    const [size, height, width] = images.shape;
    const { boxes, counts } = batch as Partial<DetectionTensors>;
    const [pixels, corners, objects] = await Promise.all([images.data(), dataOf(boxes), dataOf(counts)]);
    const each = height * width * 3;
    const most = boxes?.shape[1] ?? 0;
    for (let row = 0; row < size && shown.length < count; row++) {
      const data = Uint8Array.from(pixels.subarray(row * each, (row + 1) * each), (value) =>
        Math.min(255, Math.max(0, Math.round(value))),
      );
      const input: Picture = { data, width, height, channels: 3 };
      const { picture, seen } = (await sourcePicture(batch, row)) ?? { picture: input, seen: input };
      const from = row * most * 4;
      const boxes = Float32Array.from(corners.subarray(from, from + (objects[row] ?? 0) * 4));
      const objectsOfRow = { boxes, scores: new Float32Array(0), classes: new Int32Array(0) };
      shown.push({ input, picture, seen, truth: toImagePixels(objectsOfRow, seen, picture).boxes });
    }
    return shown.length < count;
  });
  return shown;
}

const dataOf = async (tensor: tf.Tensor | undefined): Promise<tf.TypedArray> =>
  tensor instanceof tf.Tensor ? tensor.data() : new Float32Array(0);
