import { blankImage, requireSize, type Boxes, type Image, type Pixels } from './image.ts';
import { mapBoxes, type Transform } from './transform.ts';

/** Sizes and position of a {@link WindowTransform}, in whole pixels. */
export interface Window {
  /** Left edge of the window in the image; negative adds columns on the left. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Shows the image through a window: crops what is outside the window, and pads where the window is outside the image. */
export class WindowTransform implements Transform {
  readonly window: Window;
  /** Size of the original image in pixels. */
  readonly width: number;
  readonly height: number;
  /** Value of pixels outside the image. */
  readonly fill: number;

  constructor(window: Window, width: number, height: number, fill = 0) {
    this.window = window;
    this.width = width;
    this.height = height;
    this.fill = fill;
  }

  applyImage<P extends Pixels>(image: Image<P>): Image<P> {
    requireSize('WindowTransform', image, this.width, this.height);
    const { x, y, width, height } = this.window;
    const seen = blankImage(image, width, height, this.fill);
    const [left, right] = [Math.max(x, 0), Math.min(x + width, image.width)];
    if (left >= right) return seen;
    const { channels } = image;
    for (let row = Math.max(y, 0); row < Math.min(y + height, image.height); row++) {
      const source = image.data.subarray((row * image.width + left) * channels, (row * image.width + right) * channels);
      seen.data.set(source, ((row - y) * width + left - x) * channels);
    }
    return seen;
  }

  applyBoxes(boxes: Boxes): Boxes {
    const { x: left, y: top } = this.window;
    return mapBoxes(boxes, (x, y, out) => {
      out[0] = x - left;
      out[1] = y - top;
    });
  }

  inverse(): WindowTransform {
    const { x, y, width, height } = this.window;
    return new WindowTransform({ x: -x, y: -y, width: this.width, height: this.height }, width, height, this.fill);
  }
}

/** A crop of an image of this size. */
export const cropTransform = (window: Window, width: number, height: number): WindowTransform =>
  new WindowTransform(window, width, height);

/** Pads an image on each side. */
export function padTransform(
  pad: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number },
  width: number,
  height: number,
  fill = 0,
): WindowTransform {
  const { left, top, right, bottom } = pad;
  const window = { x: -left, y: -top, width: width + left + right, height: height + top + bottom };
  return new WindowTransform(window, width, height, fill);
}
