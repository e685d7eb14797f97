import type { OptionNames } from '@hookline/core';
import { tf } from '@hookline/tfjs';

/** How a view mirrors the image: `horizontal` swaps left and right, `vertical` swaps top and bottom. */
export type Flip = 'none' | 'horizontal' | 'vertical' | 'both';

/** A view of an image in test-time augmentation. */
export interface View {
  readonly flip: Flip;
  /** Factor by which width and height are multiplied. */
  readonly scale: number;
}

/** Options for the views. There is one view for every flip at every scale. */
export interface ViewOptions {
  /** Flips of the image. @default ['none', 'horizontal'] */
  readonly flips?: readonly Flip[];
  /** Factors by which width and height are multiplied. @default [1, 1.25] */
  readonly scales?: readonly number[];
}

/** All names of {@link ViewOptions}. */
export const VIEW_OPTIONS = { flips: true, scales: true } as const satisfies OptionNames<ViewOptions>;

/** Lists the views: every flip at every scale. */
export function listViews({ flips = ['none', 'horizontal'], scales = [1, 1.25] }: ViewOptions): View[] {
  return scales.flatMap((scale) => flips.map((flip) => ({ flip, scale })));
}

const isMirrored = (flip: Flip): boolean => flip === 'horizontal' || flip === 'both';
const isUpsideDown = (flip: Flip): boolean => flip === 'vertical' || flip === 'both';

/** Makes a view of images [batch, height, width, 3]: flips them, and resizes them bilinearly. */
export function makeView(images: tf.Tensor4D, { flip, scale }: View): tf.Tensor4D {
  return tf.tidy(() => {
    const [, height, width] = images.shape;
    const axes = [...(isUpsideDown(flip) ? [1] : []), ...(isMirrored(flip) ? [2] : [])];
    const turned = axes.length === 0 ? images.clone() : tf.reverse(images, axes);
    if (scale === 1) return turned;
    return tf.image.resizeBilinear(turned, [scaled(height, scale), scaled(width, scale)], false, true);
  });
}

/** Maps boxes found in a view back to pixels of the image, in place. */
export function undoView(boxes: Float32Array, { flip, scale }: View, [height, width]: readonly [number, number]): void {
  const [byX, byY] = [width / scaled(width, scale), height / scaled(height, scale)];
  for (let at = 0; at < boxes.length; at += 4) {
    const box = boxes.subarray(at, at + 4);
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = box;
    const [left, right] = isMirrored(flip) ? [width - x2 * byX, width - x1 * byX] : [x1 * byX, x2 * byX];
    const [top, bottom] = isUpsideDown(flip) ? [height - y2 * byY, height - y1 * byY] : [y1 * byY, y2 * byY];
    box.set([left, top, right, bottom]);
  }
}

const scaled = (side: number, scale: number): number => Math.max(1, Math.round(side * scale));
