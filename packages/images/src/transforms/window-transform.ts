import { assertKnownOptions, type OptionNames } from '@hookline/core';
import { blankImage, requireSize, type Boxes, type Image, type Pixels } from './image.ts';
import { mapBoxes, type Transform } from './transform.ts';

/** Sizes and position of a {@link WindowTransform}, in whole pixels. */
export interface Window {
  /** Left edge of the window in the image; a negative one adds columns on the left. */
  readonly x: number;
  /** Top edge; a negative one adds rows at the top. */
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const WINDOW = { x: true, y: true, width: true, height: true } as const satisfies OptionNames<Window>;

/** Shows the image through a window: crops what is outside the window, and pads where the window is outside the image. */
export class WindowTransform implements Transform {
  readonly window: Window;
  /** Size of the original image in pixels. */
  readonly width: number;
  readonly height: number;
  /** Value of pixels outside the image. */
  readonly fill: number;

  /** @throws HooklineError `HKL_OPTION_UNKNOWN` */
  constructor(window: Window, width: number, height: number, fill = 0) {
    assertKnownOptions('WindowTransform', window, WINDOW);
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

/**
 * Crops an image.
 *
 * @param width width and height of the image in pixels
 * @throws HooklineError `HKL_OPTION_UNKNOWN`
 */
export const cropTransform = (window: Window, width: number, height: number): WindowTransform =>
  new WindowTransform(window, width, height);

/**
 * Pads an image on each side.
 *
 * @param pad number of pixels to add on each side
 * @param width width and height of the image in pixels
 * @param fill value of the new pixels
 * @throws HooklineError `HKL_OPTION_UNKNOWN`
 */
export function padTransform(
  pad: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number },
  width: number,
  height: number,
  fill = 0,
): WindowTransform {
  const known = { left: true, top: true, right: true, bottom: true } as const;
  assertKnownOptions('padTransform', pad, known satisfies OptionNames<typeof pad>);
  const { left, top, right, bottom } = pad;
  const window = { x: -left, y: -top, width: width + left + right, height: height + top + bottom };
  return new WindowTransform(window, width, height, fill);
}
